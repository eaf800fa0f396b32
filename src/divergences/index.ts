export { alphaDivergence } from "./alpha.ts";
export type { ConjugateDomain, FDivergence } from "./divergence.ts";
export { finiteDivergence, type NormalParameters, normalDivergence } from "./exact.ts";
export { hinge } from "./hinge.ts";
export { type DivergenceName, divergences, findDivergence } from "./table.ts";
export { type VariationalEstimate, variationalEstimate } from "./variational.ts";
