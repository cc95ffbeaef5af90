/** One partition of the data layer: replication.pml. */
import type { Configuration, Model } from "./configuration.ts";

const holds = { search: "states", expected: "complete" } as const;

const threeEpochs = ["BALLOTS=2", "CHANGES=2", "EPOCHS=3", "LOSSES=1"];

const protocol: readonly Configuration[] = [
  {
    ...holds,
    name: "two-keys",
    what: "3 replicas of one view, 2 keys, 2 proposers, 2 puts",
    defines: ["K=2", "BALLOTS=2", "PUTS=2", "WRITES=4", "CHANGES=0", "EPOCHS=1"],
    quick: true,
    expectedSeconds: 3,
  },
  {
    ...holds,
    name: "three-proposers",
    what: "3 replicas of one view, 3 proposers, 2 puts",
    defines: ["BALLOTS=3", "PUTS=2", "WRITES=4", "CHANGES=0", "EPOCHS=1"],
    quick: true,
    expectedSeconds: 3,
  },
  {
    ...holds,
    name: "replaced",
    what: "one of 3 replicas is replaced by a fourth, and one disk is lost at any time",
    defines: ["BALLOTS=2", "PUTS=2", "WRITES=3", "LOSSES=1"],
    quick: true,
    expectedSeconds: 6,
  },
  {
    ...holds,
    name: "replaced-stepwise",
    what: "the same, where records are gathered from one replica after the other",
    defines: ["BALLOTS=2", "PUTS=2", "WRITES=3", "LOSSES=1", "STEPWISE"],
    quick: false,
    expectedSeconds: 20,
  },
  {
    ...holds,
    name: "replaced-repair",
    what: "the same, where replicas copy newer records from each other meanwhile",
    defines: ["BALLOTS=2", "PUTS=2", "WRITES=3", "LOSSES=1", "REPAIR"],
    quick: false,
    expectedSeconds: 15,
  },
  {
    ...holds,
    name: "rivals",
    what: "two proposals of a next view at once, one of them to keep the view as it is",
    defines: ["BALLOTS=2", "PUTS=1", "WRITES=2", "CHANGES=2", "KEEPING", "LOSSES=1"],
    quick: false,
    expectedSeconds: 15,
  },
  {
    ...holds,
    name: "three-epochs-retired",
    what: "4 nodes, two changes one after the other, who is replaced forgets, one disk is lost",
    defines: [...threeEpochs, "PUTS=1", "WRITES=2", "SEQUENTIAL"],
    quick: false,
    expectedSeconds: 60,
  },
  {
    ...holds,
    name: "three-epochs",
    what: "4 nodes, two changes one after the other or at once, one disk is lost at any time",
    defines: [...threeEpochs, "PUTS=2", "WRITES=3", "NO_RETIRE"],
    quick: false,
    expectedSeconds: 200,
  },
  {
    ...holds,
    name: "three-epochs-two-keys",
    what: "the same without rivals, with 2 keys, which share the proposers' ballots",
    defines: [...threeEpochs, "K=2", "PUTS=2", "WRITES=4", "APART", "SEQUENTIAL", "NO_RETIRE"],
    quick: false,
    expectedSeconds: 1100,
  },
];

const small = ["BALLOTS=2", "PUTS=1", "WRITES=2"];
const usual = ["BALLOTS=2", "PUTS=2", "WRITES=3"];
const oneView = ["CHANGES=0", "EPOCHS=1"];

/** Name in capitals is the switch; the bounds are the smallest in which it shows. */
const breakages: readonly Configuration[] = (
  [
    ["answers-sealed", "a sealed replica answers: an acknowledged write is lost", usual],
    ["mixed-epochs", "answers of two views are counted together: two values of one version", usual],
    ["non-members", "a replica that is no member of the view counts: the same", usual],
    [
      "reborn",
      "a member with an empty disk is taken for the one it was",
      [...small, ...oneView, "LOSSES=1"],
    ],
    ["forgetful", "a promise is forgotten: an old proposer goes on", [...usual, ...oneView]],
    [
      "older-applies",
      "an overtaken write is applied late: the later one is undone",
      [...usual, ...oneView],
    ],
    [
      "no-merge",
      "a value that one replica holds is shown, and then is not there",
      ["BALLOTS=3", "PUTS=1", "WRITES=3", ...oneView],
    ],
    ["unconfirmed", "a proposer that was left behind answers a get", [...usual, ...oneView]],
    ["confirmed-earlier", "so it does if it was confirmed before", [...usual, ...oneView]],
    ["reads-uncommitted", "a get shows a write that is not there yet", [...usual, ...oneView]],
    ["one-source", "a new member begins with the records of one replica", small],
    ["unsealed-source", "it takes them while the old view still goes on", small],
    ["early-retire", "records go before the new members have them", [...usual, "LOSSES=1"]],
    [
      "eager-vote",
      "a view is replaced before its members have their records",
      [...small, "CHANGES=2", "EPOCHS=3"],
    ],
    [
      "fresh-proposal",
      "two views are decided for one epoch",
      ["BALLOTS=1", "PUTS=1", "WRITES=1", "CHANGES=2"],
    ],
  ] as const
).map(([name, what, defines]) => ({
  name,
  what,
  defines: [...defines, name.toUpperCase().replaceAll("-", "_")],
  search: "shortest",
  expected: "violation",
  quick: true,
  expectedSeconds: name === "eager-vote" ? 10 : 3,
}));

export const replicationModel: Model = {
  file: "replication.pml",
  name: "replication",
  legend: "each replica: its view, its promise or its end, value@stamp of each key",
  configurations: [...protocol, ...breakages],
};
