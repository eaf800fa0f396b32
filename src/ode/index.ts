// Ordinary differential equations on the host in float64: general solutions of linear systems from known
// ones, and integrators as data that serve any vector space.
export {
  type BoundaryCondition,
  boundaryConstants,
  boundaryValue,
  type SolutionFamily,
} from "./boundary.ts";
export {
  airySystem,
  besselSystem,
  type ClosedForm,
  closedForms,
  columnOf,
  constantSystem,
  eulerCauchySystem,
  hillSystem,
  legendreSystem,
  rotatingSystem,
  triangularSystem,
} from "./closed-forms.ts";
export { dop853 } from "./dop853.ts";
export type { EventHit, EventRule } from "./events.ts";
export {
  type ExponentialOptions,
  type ExponentialPath,
  integrateExponential,
  integrateExponentialAsync,
  type LinearPart,
  matrixPart,
  type SemilinearProblem,
  scalarPart,
} from "./exponential-integrator.ts";
export {
  type ExponentialTableau,
  etd1,
  etdrk2,
  etdrk3,
  etdrk4,
  type PhiTerm,
} from "./exponential-tableaux.ts";
export { type Expression, type FunctionName, functionNames, hasIntegral } from "./expression.ts";
export { compileExpression, differentiate } from "./expression-evaluate.ts";
export { parseExpression } from "./expression-parser.ts";
export { toLatex, toText } from "./expression-print.ts";
export { isZero, simplify } from "./expression-simplify.ts";
export { type Floquet, floquet, type PeriodicSystem } from "./floquet.ts";
export {
  type GeneralSolution,
  type GeneralSolutionInput,
  generalSolution,
} from "./general-solution.ts";
export {
  type ArrayProblem,
  type InitialValueProblem,
  type IntegrateOptions,
  integrate,
  integrateAsync,
  type StepOptions,
} from "./integrate.ts";
export type { EvaluationCounts, KnownSolution, LinearSystem } from "./linear-system.ts";
export {
  type MagnusMethod,
  type MagnusOptions,
  type MagnusSolution,
  magnus,
  magnusMethods,
} from "./magnus.ts";
export { integrateStiff, radauIIA5, type StiffOptions } from "./radau.ts";
export { type ScalarEquation, type ScalarSolution, scalarSolution } from "./scalar.ts";
export type { Attempt, Interpolant, RightHandSide, Stepper } from "./stepper.ts";
export {
  integrateExpression,
  type SymbolicDomain,
  type SymbolicIntegral,
} from "./symbolic-integral.ts";
export { type LinearForm, linearForm } from "./symbolic-linear.ts";
export {
  type SymbolicMethod,
  type SymbolicSolution,
  symbolicScalarSolution,
  symbolicSolution,
} from "./symbolic-solution.ts";
export {
  type Symmetries,
  type Symmetry,
  symmetries,
  type Written,
} from "./symbolic-symmetries.ts";
export type {
  ExpressionLike,
  SymbolicEquation,
  SymbolicSystem,
  Verification,
} from "./symbolic-system.ts";
export type { ErrorEstimate, Tableau } from "./tableau.ts";
export { bogackiShampine, dormandPrince, euler, heun, rungeKutta4 } from "./tableaux.ts";
export { type Pending, runAsync, runNow, settle, type Task } from "./task.ts";
export type { AsyncTrajectory, Path, StepCounts, Trajectory } from "./trajectory.ts";
export { arraySpace, type Tolerance, type VectorSpace } from "./vector-space.ts";
