/** Small games as dynamical systems; the trainings are in the catalogue. */
export { type DiracOptions, diracField, diracGame } from "./dirac.ts";
export {
  compileField,
  consensus,
  type Field,
  fieldEigenvalues,
  flowOf,
  gradientField,
  type Linearization,
  type SmallGame,
  type Turns,
  updateEigenvalues,
} from "./dynamics.ts";
