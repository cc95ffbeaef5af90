/** The three Services: for clients, for founders to find each other, and for joining. */
import { clientService, nodesService, seedService } from "../../resources/services.ts";
import type { Step } from "../pass.ts";

export const services: Step = {
  name: "services",
  async run(pass) {
    for (const build of [clientService, nodesService, seedService]) {
      await pass.tools.applier.apply(build(pass.ring), pass.uid);
    }
  },
};
