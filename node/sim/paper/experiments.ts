/** All experiments, in the order of the document. */
import { churnFigure, churnTable } from "./churn.ts";
import type { Experiment } from "./experiment.ts";
import { failures } from "./failures.ts";
import { healing } from "./healing.ts";
import { joinCost } from "./join-cost.ts";
import { joinStorm } from "./join-storm.ts";
import { largeRings } from "./large-rings.ts";
import { latency } from "./latency.ts";
import { load } from "./load.ts";
import { massFailure } from "./mass-failure.ts";
import { naiveWalk } from "./naive-walk.ts";
import { pathLength } from "./path-length.ts";
import { timeouts } from "./timeouts.ts";
import { traffic } from "./traffic.ts";

export const experiments: readonly Experiment[] = [
  load,
  pathLength,
  largeRings,
  naiveWalk,
  massFailure,
  churnFigure,
  latency,
  failures,
  churnTable,
  joinCost,
  joinStorm,
  healing,
  timeouts,
  traffic,
];
