export { checkGradient, type GradientCheck } from "./check.ts";
export {
  grad,
  gradients,
  gradientTree,
  jvp,
  type ValueAndGrad,
  valueAndGrad,
  vjp,
} from "./gradients.ts";
export { rematerialize } from "./rematerialize.ts";
