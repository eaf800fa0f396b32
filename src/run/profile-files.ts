import { join } from "node:path";
import { svgToPng } from "../report/index.ts";
import { profilePlot } from "../report/profile.ts";
import { writeAtomic } from "./atomic.ts";
import { writeReport } from "./finish.ts";
import { type PictureEntry, readSummary, updateSummary } from "./run-folder.ts";
import type { StepProfile } from "./step-profile.ts";

const picture = "profile.png";

/** Writes `profile.json` into a run's folder: the profile of every phase. Returns the path. */
export async function writeProfiles(
  folder: string,
  profiles: readonly StepProfile[],
): Promise<string> {
  const path = join(folder, "profile.json");
  await writeAtomic(path, `${JSON.stringify(profiles, null, 2)}\n`);
  return path;
}

/** Adds a picture of every profile to a finished run and to its report. Returns the paths. */
export async function addProfilePictures(
  folder: string,
  profiles: readonly StepProfile[],
): Promise<readonly string[]> {
  const entries: PictureEntry[] = [];
  for (const profile of profiles) {
    const file = profiles.length === 1 ? picture : `profile-${profile.phase}.png`;
    await writeAtomic(join(folder, file), await svgToPng(profilePlot(profile)));
    const title = `Time of a step, phase ${profile.phase}`;
    const caption = `Milliseconds in the runtime's kernels by layer, mean of ${profile.steps} steps.`;
    entries.push({ file, title, caption, plot: true });
  }
  const { pictures } = await readSummary(folder);
  await updateSummary(folder, { pictures: [...pictures, ...entries] });
  await writeReport(folder);
  return entries.map(({ file }) => join(folder, file));
}
