// A vitest reporter that counts tests into the JSON file named by REPARAM_TEST_SUMMARY.
import { writeFileSync } from "node:fs";

/** A file or a describe block that fails outside its tests (load, beforeAll) is one failure. */
function countSuite(suite, counts) {
  if (suite.errors().length > 0) counts.failed += 1;
  for (const child of suite.children) {
    if (child.type === "suite") {
      countSuite(child, counts);
      continue;
    }
    const { state } = child.result();
    // Pending after the end of the run means that the test never finished.
    counts[state === "pending" ? "failed" : state] += 1;
  }
}

// Vitest takes a reporter given by path from the default export.
export default class SummaryReporter {
  onTestRunEnd(testModules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const testModule of testModules) countSuite(testModule, counts);
    const path = process.env.REPARAM_TEST_SUMMARY;
    if (path !== undefined) writeFileSync(path, JSON.stringify(counts));
  }
}
