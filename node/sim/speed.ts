/**
 * `make sim-speed`: how fast the simulator is on one core, and what a large ring costs.
 *
 * An event is a message that arrived or a timer that fired, with everything it caused. Time is that
 * of the processor, so that other work on the machine changes little. These are figures to look at,
 * not a test.
 */
import { live } from "./life.ts";
import { planOf } from "./plan.ts";
import { range } from "./pool.ts";
import { SeededRandom } from "./random.ts";
import { demoNames, World } from "./world.ts";

Error.stackTraceLimit = 0;
await lives(400);
await calmRing(1000);
await churn(10_000);

/** The lives that `make test` runs, with all oracles. */
async function lives(count: number): Promise<void> {
  const started = process.cpuUsage();
  let events = 0;
  for (const seed of range(1, count)) {
    events += (await live(planOf(seed), { recording: false })).events;
  }
  say(`${count} lives with all faults and oracles`, events, started);
}

async function calmRing(size: number): Promise<void> {
  const world = largeWorld(size);
  const started = process.cpuUsage();
  await world.scheduler.run(20_000);
  const label = `a calm ring of ${size} nodes, no oracles, 20 s`;
  say(label, world.scheduler.count, started);
}

/** Every second one node in a thousand dies, and one returns. */
async function churn(size: number): Promise<void> {
  const world = largeWorld(size);
  const random = new SeededRandom(2);
  const started = process.cpuUsage();
  const down: string[] = [];
  for (let second = 0; second < 20; second++) {
    for (const name of down.splice(0)) world.start(name);
    const names = [...world.running.keys()];
    for (let i = 0; i < size / 1000; i++) {
      const name = random.pick(names) as string;
      world.crash(name);
      down.push(name);
    }
    await world.scheduler.run(1000);
  }
  const label = `a ring of ${size} nodes that die and return, 20 s`;
  say(label, world.scheduler.count, started);
  const { maxRSS } = process.resourceUsage();
  console.log(`${(maxRSS / 1024 ** 2).toFixed(2)} GiB of memory at most`);
}

function largeWorld(size: number): World {
  const names = demoNames(size);
  const world = new World({
    seed: 1,
    successors: 8,
    founders: names.slice(0, 9),
    recording: false,
  });
  world.startIdeal(names);
  return world;
}

function say(what: string, events: number, started: NodeJS.CpuUsage): void {
  const { user, system } = process.cpuUsage(started);
  const seconds = (user + system) / 1_000_000;
  const rate = Math.round(events / seconds);
  console.log(`${what}: ${events} events in ${seconds.toFixed(1)} s, ${rate} a second`);
}
