/** The CustomResourceDefinition around the schema: names, versions, subresources, columns. */
import { GROUP, KIND, PLURAL, VERSION } from "./chordring.ts";
import { chordRingSchema } from "./schema.ts";

interface PrinterColumn {
  name: string;
  type: "integer" | "string" | "date";
  description: string;
  jsonPath: string;
  priority?: number;
}

const columns: readonly PrinterColumn[] = [
  {
    name: "Desired",
    type: "integer",
    description: "Nodes the spec asks for",
    jsonPath: ".spec.replicas",
  },
  {
    name: "Ready",
    type: "integer",
    description: "Nodes that are in the ring and able to serve",
    jsonPath: ".status.readyReplicas",
  },
  {
    name: "Converged",
    type: "string",
    description: "Whether all desired nodes form one ideal ring",
    jsonPath: '.status.conditions[?(@.type=="RingConverged")].status',
  },
  {
    name: "Keys",
    type: "integer",
    description: "Keys in the ring, each counted once",
    jsonPath: ".status.keys",
  },
  {
    name: "Placed",
    type: "string",
    description: "Whether all data has all its copies where they should be",
    jsonPath: '.status.conditions[?(@.type=="DataPlaced")].status',
    priority: 1,
  },
  {
    name: "Reason",
    type: "string",
    description: "Why the ring is or is not ready",
    jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
    priority: 1,
  },
  { name: "Age", type: "date", description: "Age", jsonPath: ".metadata.creationTimestamp" },
];

/** The whole CustomResourceDefinition, as `kubectl apply` takes it. */
export function customResourceDefinition(): object {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${PLURAL}.${GROUP}`,
      labels: { "app.kubernetes.io/name": "chordring-operator" },
    },
    spec: {
      group: GROUP,
      names: {
        kind: KIND,
        listKind: `${KIND}List`,
        plural: PLURAL,
        singular: "chordring",
        shortNames: ["ring"],
        categories: ["all"],
      },
      scope: "Namespaced",
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: chordRingSchema },
          subresources: {
            status: {},
            scale: {
              specReplicasPath: ".spec.replicas",
              statusReplicasPath: ".status.replicas",
              labelSelectorPath: ".status.selector",
            },
          },
          additionalPrinterColumns: columns,
        },
      ],
    },
  };
}
