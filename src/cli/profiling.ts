import type { StepProfile, StepProfiler } from "../run/index.ts";
import type { Context } from "./terminal.ts";

/** The profile of a training that is to come. */
export interface Profiling {
  readonly profiler: StepProfiler;
  /** Writes profile.json, and returns the same for `--json`. */
  readonly save: () => Promise<Readonly<Record<string, unknown>>>;
  /** Adds pictures to the finished run; returns their paths. */
  readonly draw: () => Promise<readonly string[]>;
}

/** Prepares to profile `job.profile` steps of every phase, and to show each profile once it is there. */
export async function startProfiling(
  job: { readonly folder: string; readonly profile?: number | undefined },
  context: Context,
  clearLine: () => void,
): Promise<Profiling | undefined> {
  const { folder, profile: steps } = job;
  if (steps === undefined) return undefined;
  const { addProfilePictures, createStepProfiler, writeProfiles } = await import("../run/index.ts");
  const { profileText } = await import("../report/index.ts");
  const profiles: StepProfile[] = [];
  const profiler = createStepProfiler({
    steps,
    onProfile: (profile) => {
      profiles.push(profile);
      clearLine();
      context.say(`${profileText(profile)}\n`);
    },
  });
  return {
    profiler,
    save: async () => {
      if (profiles.length === 0) {
        context.note("reparam: the training ended before a step could be profiled.");
        return { profiles };
      }
      return { profiles, profileFile: await writeProfiles(folder, profiles) };
    },
    draw: async () => (profiles.length === 0 ? [] : addProfilePictures(folder, profiles)),
  };
}
