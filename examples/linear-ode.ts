// The general solution of a linear system from one solution that is known, and an equation by its boundary values.
// npx tsx examples/linear-ode.ts
import { floquet, generalSolution, scalarSolution } from "reparam/ode";

// ẋ = A(t)x in a frame that turns once in 2π; x₁ is known.
const A = (t: number) => {
  const [c, s] = [Math.cos(t), Math.sin(t)];
  return [
    [-0.2 * c * c - 0.5 * s * s, 0.3 * c * s - 1],
    [0.3 * c * s + 1, -0.2 * s * s - 0.5 * c * c],
  ];
};
const known = [(t: number) => [Math.exp(-0.2 * t) * Math.cos(t), Math.exp(-0.2 * t) * Math.sin(t)]];

const general = generalSolution({ A, known, interval: [0, 20] });
console.log("Φ(20, 0) =", general.propagator(20));
console.log("x(20) from x(0) = (1, 1):", general.initialValue([1, 1])(20));
console.log("error estimate", general.errorEstimate, "evaluations", general.evaluations);
console.log("multipliers over a period", floquet({ A, period: 2 * Math.PI, known }).multipliers);

// x²(2 − x)y″ + 2xy′ − 2y = e^{−x}x²(2 − x)² with y₁ = x: all solutions on [0.2, 1.8], and one by its ends.
const equation = scalarSolution({
  coefficients: (x) => [-2, 2 * x, x * x * (2 - x)],
  forcing: (x) => Math.exp(-x) * (x * (2 - x)) ** 2,
  known: [(x) => [x, 1]],
  interval: [0.2, 1.8],
});
const y = equation.boundaryValue([
  { at: 0.2, weights: [1, 0], value: 0 },
  { at: 1.8, weights: [1, 0], value: 1 },
]);
console.log("y(1) =", y(1)[0]);
