/**
 * The OpenAPI schema of a ChordRing: what `kubectl explain` shows and `kubectl apply` enforces.
 *
 * This is the one place where a field's meaning, bounds and default are written down; `make gen`
 * turns it into crds/ and the chart's copy. Rules across fields and over time are CEL, each with a
 * message that says what to do instead.
 */
import {
  type ChordRingSpec,
  type ChordRingStatus,
  type Condition,
  type DataStatus,
  DEFAULTS,
  LIMITS,
  type NodeStatus,
  type StorageSpec,
} from "./chordring.ts";
import {
  affinitySchema,
  nodeSelectorSchema,
  resourcesSchema,
  tolerationsSchema,
  topologySpreadConstraintsSchema,
} from "./pod-schema.ts";
import {
  choice,
  integer,
  list,
  map,
  object,
  type PropertiesOf,
  type Schema,
  string,
} from "./schema-type.ts";

const RETENTION = ["Retain", "Delete"] as const;

const storageProperties: PropertiesOf<StorageSpec> = {
  size: string("Size of each node's volume. Cannot change once the ring exists.", {
    default: DEFAULTS.storage.size,
    minLength: 1,
    maxLength: 32,
    "x-kubernetes-validations": [
      { rule: "isQuantity(self)", message: "size must be a quantity such as 500Mi or 10Gi" },
      {
        rule: "!isQuantity(self) || quantity(self).compareTo(quantity('32Mi')) >= 0",
        message: "size must be at least 32Mi",
      },
      {
        rule: "self == oldSelf",
        message:
          "size cannot change: volumes keep the size they were made with; " +
          "create a second ring with the new size and copy the keys over",
      },
    ],
  }),
  storageClassName: string(
    "StorageClass of the volumes. Default: the cluster's default class. " +
      "Cannot change once the ring exists.",
    { minLength: 1, maxLength: 253 },
  ),
  whenDeleted: choice("What becomes of the volumes when the ring is deleted.", RETENTION, {
    default: DEFAULTS.storage.whenDeleted,
  }),
  whenScaled: choice(
    "What becomes of a node's volume when the ring shrinks past that node.",
    RETENTION,
    { default: DEFAULTS.storage.whenScaled },
  ),
};

const storage = object("The volume under each node's data.", storageProperties, {
  default: {},
  "x-kubernetes-validations": [
    {
      rule:
        "has(self.storageClassName) == has(oldSelf.storageClassName) && " +
        "(!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",
      message:
        "storageClassName cannot change: volumes stay in the class they were made in; " +
        "create a second ring with the new class and copy the keys over",
    },
  ],
});

const DURATION = "'^[0-9]{1,6}(ms|s)$'";

const stabilizeInterval = string(
  "Time between two rounds of stabilization on each node: shorter repairs the ring sooner, " +
    "longer costs less traffic. A change restarts the nodes one by one. From 100ms to 60s.",
  {
    default: DEFAULTS.stabilizeInterval,
    maxLength: 10,
    "x-kubernetes-validations": [
      {
        rule: `self.matches(${DURATION})`,
        message: "stabilizeInterval must be a whole number of ms or s, such as 500ms or 2s",
      },
      {
        rule:
          `!self.matches(${DURATION}) || ` +
          "(duration(self) >= duration('100ms') && duration(self) <= duration('60s'))",
        message: "stabilizeInterval must lie between 100ms and 60s",
      },
    ],
  },
);

const SIZE = "'^[1-9][0-9]{0,3}[KMG]i$'";

const maxValueSize = string(
  "The largest value that the nodes take, up to 4Gi. Values above 1Mi are stored in chunks all " +
    "over the ring. Larger ones that are there stay when it is lowered. A change restarts the " +
    "nodes one by one. Default: 1Mi.",
  {
    maxLength: 6,
    "x-kubernetes-validations": [
      {
        rule: `self.matches(${SIZE})`,
        message: "maxValueSize must be a whole number of Ki, Mi or Gi, such as 64Mi",
      },
      {
        rule: `!self.matches(${SIZE}) || quantity(self).compareTo(quantity('4Gi')) <= 0`,
        message: "maxValueSize must be at most 4Gi",
      },
    ],
  },
);

const podLabels = map(
  "Extra labels for the pods, beside those the operator sets.",
  string("A label value.", { maxLength: 63 }),
  {
    maxProperties: 32,
    "x-kubernetes-validations": [
      {
        rule:
          "self.all(key, !key.startsWith('chordring.dev/') && " +
          "!key.startsWith('app.kubernetes.io/'))",
        message:
          "podLabels must not use the prefixes chordring.dev/ and app.kubernetes.io/: " +
          "the operator sets those; choose another prefix",
      },
    ],
  },
);

const specProperties: PropertiesOf<ChordRingSpec> = {
  replicas: integer(
    "Number of nodes in the ring, one pod each. Growing adds nodes at once; shrinking first " +
      "moves the data off all nodes that go, then lets one after another leave the ring before " +
      "its pod is removed.",
    { default: DEFAULTS.replicas, minimum: 1, maximum: LIMITS.replicasMax },
  ),
  copies: integer(
    "Number of nodes that hold each value, in different zones where the cluster has zones. A " +
      "value can be read and written while a majority of its nodes is up: 3 copies survive the " +
      "loss of 1 node, 5 of 2, 7 of 3. An even number costs a copy more than the odd one below " +
      "it and survives no more, so only odd ones are allowed. A ring of fewer nodes holds one " +
      "copy on each. May change at any time; the data moves while the ring serves.",
    {
      default: DEFAULTS.copies,
      minimum: 1,
      maximum: LIMITS.copiesMax,
      "x-kubernetes-validations": [
        {
          rule: "self % 2 == 1",
          message:
            "copies must be 1, 3, 5 or 7: an even number survives the loss of no more nodes than " +
            "the odd number below it; choose one of these",
        },
      ],
    },
  ),
  successors: integer(
    "Length r of each node's successor list. The ring stays connected as long as no r nodes that " +
      "follow each other fail at the same time. Cannot change once the ring exists.",
    {
      default: DEFAULTS.successors,
      minimum: 1,
      maximum: LIMITS.successorsMax,
      "x-kubernetes-validations": [
        {
          rule: "self == oldSelf",
          message:
            "successors cannot change: every node of a ring keeps lists of the same length; " +
            "create a second ring with the new length and copy the keys over",
        },
      ],
    },
  ),
  stabilizeInterval,
  maxValueSize,
  storage,
  image: string(
    "Image of the nodes. Default: the image the operator was installed with when the ring was " +
      "created or last restarted. A change restarts the nodes one by one.",
    { minLength: 1, maxLength: 512 },
  ),
  imagePullPolicy: choice("When the nodes' image is pulled.", ["Always", "IfNotPresent", "Never"], {
    default: DEFAULTS.imagePullPolicy,
  }),
  imagePullSecrets: list(
    "Secrets with the credentials of the image's registry. Default: none.",
    object(
      "A Secret in the ring's namespace.",
      { name: string("The Secret's name.", { minLength: 1 }) },
      { required: ["name"] },
    ),
    { maxItems: 16 },
  ),
  logLevel: choice(
    "How much the nodes log. A change restarts the nodes one by one.",
    ["trace", "debug", "info", "warn", "error"],
    { default: DEFAULTS.logLevel },
  ),
  resources: resourcesSchema(DEFAULTS.resources),
  nodeSelector: nodeSelectorSchema,
  affinity: affinitySchema,
  tolerations: tolerationsSchema,
  topologySpreadConstraints: topologySpreadConstraintsSchema,
  priorityClassName: string("Priority class of the pods. Default: the cluster's default.", {
    maxLength: 253,
  }),
  podLabels,
  podAnnotations: map(
    "Extra annotations for the pods, beside those the operator sets.",
    string("An annotation value.", { maxLength: 4096 }),
    { maxProperties: 32 },
  ),
};

const conditionProperties: PropertiesOf<Condition> = {
  type: string("Ready, Progressing, Degraded, RingConverged, DataPlaced or UpdateAvailable."),
  status: choice("Whether the condition holds.", ["True", "False", "Unknown"]),
  reason: string("Why, in one CamelCase word."),
  message: string("Why, in a sentence."),
  observedGeneration: integer("The generation of the spec this was found for.", {
    format: "int64",
  }),
  lastTransitionTime: string("When the status last changed.", { format: "date-time" }),
};

const nodeStatusProperties: PropertiesOf<NodeStatus> = {
  name: string("The node's name, which is its pod's name."),
  id: string("The node's place on the circle: 40 hexadecimal digits."),
  state: string(
    "waiting, joining, member, leaving or left, as the node says; " +
      "unreachable when it does not answer, notRunning when its pod does not run.",
  ),
};

const dataStatusProperties: PropertiesOf<DataStatus> = {
  degradedPartitions: integer("Partitions of which not all copies are up and complete."),
  misplacedPartitions: integer("Partitions with a copy on a node where it should not stay."),
  leaderlessPartitions: integer(
    "Partitions that no node answers for just now: their keys cannot be read or written.",
  ),
  keysToMove: integer("Keys that moves under way have still to copy.", { format: "int64" }),
  bytesToMove: integer("Bytes that moves under way have still to copy.", { format: "int64" }),
};

const statusProperties: PropertiesOf<ChordRingStatus> = {
  observedGeneration: integer("The generation of the spec that this status describes.", {
    format: "int64",
  }),
  replicas: integer("Number of pods."),
  readyReplicas: integer("Number of pods whose node is in the ring and able to serve."),
  members: integer("Number of nodes that say they are members of the ring."),
  keys: integer("Number of keys in the ring, each counted once.", { format: "int64" }),
  bytes: integer("Bytes of all values in the ring, each counted once.", { format: "int64" }),
  data: object(
    "How far the data is from where it should be, in partitions of the key space; all zero when " +
      "every partition has all its copies in place.",
    dataStatusProperties,
  ),
  selector: string("The label selector of the ring's pods, for autoscalers."),
  nodes: list(
    "The nodes, one entry a pod.",
    object("A node.", nodeStatusProperties, { required: ["name", "state"] }),
    { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] },
  ),
  conditions: list(
    "What is true of the ring now.",
    object("A condition.", conditionProperties, {
      required: ["type", "status", "reason", "message", "lastTransitionTime"],
    }),
    { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] },
  ),
};

/** The schema of the whole resource. */
export const chordRingSchema: Schema = {
  description: "A Chord ring: a distributed hash table whose nodes are pods.",
  type: "object",
  properties: {
    apiVersion: string("The version of this resource's schema."),
    kind: string("ChordRing."),
    // The API server owns metadata and allows only bounds on the name here. This bound lets it
    // bound the cost of the rules on the name below.
    metadata: { type: "object", properties: { name: { type: "string", maxLength: 253 } } },
    spec: object("What the ring should be.", specProperties, { default: {} }),
    status: object("What the ring is, as its nodes say.", statusProperties),
  },
  "x-kubernetes-validations": [
    {
      rule: `self.metadata.name.size() <= ${LIMITS.nameLengthMax}`,
      message:
        `a ring's name may have at most ${LIMITS.nameLengthMax} characters, ` +
        "because its pods and Services are named after it; choose a shorter name",
    },
    {
      rule: "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
      message:
        "a ring's name must start with a letter and hold only lower-case letters, digits and " +
        "'-', because its Services are named after it; choose another name",
    },
  ],
};
