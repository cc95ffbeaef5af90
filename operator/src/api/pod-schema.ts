/**
 * Schemas of the scheduling fields that a ChordRing hands on to its pods unchanged.
 *
 * They follow the pod API field by field instead of accepting anything, so that a misspelt
 * `topologyKey` is refused by `kubectl apply` and not found hours later in a StatefulSet's events.
 */
import {
  choice,
  integer,
  list,
  map,
  object,
  quantity,
  type Schema,
  string,
} from "./schema-type.ts";

const LABEL_VALUE_LENGTH_MAX = 63;

function labelMap(description: string): Schema {
  return map(description, string("A label value.", { maxLength: LABEL_VALUE_LENGTH_MAX }), {
    maxProperties: 64,
  });
}

function requirements(description: string, operators: readonly string[]): Schema {
  const requirement = object(
    "One comparison with the values of a label.",
    {
      key: string("The label's key."),
      operator: choice("How the label is compared with the values.", operators),
      values: list(
        "The values to compare with; empty for Exists and DoesNotExist.",
        string("A value."),
        { maxItems: 128 },
      ),
    },
    { required: ["key", "operator"] },
  );
  return list(description, requirement, { maxItems: 32 });
}

const SET_OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"] as const;
const NODE_OPERATORS = [...SET_OPERATORS, "Gt", "Lt"] as const;

function labelSelector(description: string): Schema {
  return object(
    description,
    {
      matchLabels: labelMap("Labels that must all be present with exactly these values."),
      matchExpressions: requirements("Comparisons that must all hold.", SET_OPERATORS),
    },
    { "x-kubernetes-map-type": "atomic" },
  );
}

const nodeSelectorTerm = object("A set of requirements on a Kubernetes node.", {
  matchExpressions: requirements("Requirements on the node's labels.", NODE_OPERATORS),
  matchFields: requirements("Requirements on the node's fields.", NODE_OPERATORS),
});

const weight = integer("How much this preference counts.", { minimum: 1, maximum: 100 });

const nodeAffinity = object("Which Kubernetes nodes the pods may or should run on.", {
  requiredDuringSchedulingIgnoredDuringExecution: object(
    "The node must meet at least one of these terms.",
    { nodeSelectorTerms: list("Terms of which one must be met.", nodeSelectorTerm) },
    { required: ["nodeSelectorTerms"] },
  ),
  preferredDuringSchedulingIgnoredDuringExecution: list(
    "Terms that make a node the better choice.",
    object(
      "A weighted term.",
      { weight, preference: nodeSelectorTerm },
      { required: ["weight", "preference"] },
    ),
  ),
});

const podAffinityTerm = object(
  "A set of pods, and the domain in which to be near them or away from them.",
  {
    labelSelector: labelSelector("The pods that count, by label."),
    namespaceSelector: labelSelector("The namespaces those pods are in, by label."),
    namespaces: list("The namespaces those pods are in, by name.", string("A namespace.")),
    topologyKey: string("The node label that defines a domain, such as kubernetes.io/hostname."),
    matchLabelKeys: list("Pod label keys whose values must match too.", string("A label key.")),
    mismatchLabelKeys: list("Pod label keys whose values must differ.", string("A label key.")),
  },
  { required: ["topologyKey"] },
);

function podAffinity(description: string): Schema {
  return object(description, {
    requiredDuringSchedulingIgnoredDuringExecution: list(
      "Terms that must all be met.",
      podAffinityTerm,
    ),
    preferredDuringSchedulingIgnoredDuringExecution: list(
      "Terms that make a node the better choice.",
      object(
        "A weighted term.",
        { weight, podAffinityTerm },
        { required: ["weight", "podAffinityTerm"] },
      ),
    ),
  });
}

export const affinitySchema = object(
  "Which Kubernetes nodes the ring's pods may or should run on. Default: no constraint.",
  {
    nodeAffinity,
    podAffinity: podAffinity("Which pods to run near."),
    podAntiAffinity: podAffinity("Which pods to keep away from."),
  },
);

export const tolerationsSchema = list(
  "Taints of Kubernetes nodes that the ring's pods tolerate. Default: none.",
  object("A tolerated taint.", {
    key: string("The taint's key; empty with operator Exists tolerates every taint."),
    operator: choice("Whether the value must match.", ["Exists", "Equal"], { default: "Equal" }),
    value: string("The taint's value, for operator Equal."),
    effect: choice("The taint's effect; every effect when absent.", [
      "NoSchedule",
      "PreferNoSchedule",
      "NoExecute",
    ]),
    tolerationSeconds: integer("How long a NoExecute taint is tolerated; forever when absent.", {
      format: "int64",
    }),
  }),
  { maxItems: 64 },
);

export const topologySpreadConstraintsSchema = list(
  "How the ring's pods spread over the cluster. " +
    "Default: evenly over hosts and zones as far as there is room.",
  object(
    "A rule for spreading pods over domains.",
    {
      maxSkew: integer("The largest difference in pods between two domains.", { minimum: 1 }),
      topologyKey: string("The node label that defines a domain, such as kubernetes.io/hostname."),
      whenUnsatisfiable: choice("Whether a pod waits or is placed all the same.", [
        "DoNotSchedule",
        "ScheduleAnyway",
      ]),
      labelSelector: labelSelector("The pods that count; normally chordring.dev/ring: <name>."),
      matchLabelKeys: list("Pod label keys whose values must match too.", string("A label key.")),
      minDomains: integer("The smallest number of domains to spread over.", { minimum: 1 }),
      nodeAffinityPolicy: choice("Whether node affinity limits the domains.", ["Honor", "Ignore"]),
      nodeTaintsPolicy: choice("Whether node taints limit the domains.", ["Honor", "Ignore"]),
    },
    { required: ["maxSkew", "topologyKey", "whenUnsatisfiable"] },
  ),
  { maxItems: 8 },
);

export const nodeSelectorSchema = labelMap(
  "Labels that a Kubernetes node must have to run the ring's pods. Default: none.",
);

export function resourcesSchema(defaults: unknown): Schema {
  return object(
    "CPU and memory of each node's container.",
    {
      requests: map("What the scheduler reserves.", quantity("An amount, such as 100m or 256Mi.")),
      limits: map("What the container may use.", quantity("An amount, such as 1 or 512Mi.")),
    },
    { default: defaults },
  );
}
