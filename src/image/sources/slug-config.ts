/** What a slug is run with: as a dyno of Heroku's is, by bash, with the app's own profile scripts. */
import type { ImageConfig, Platform, RunConfig } from '../documents.js';
import { defaultProcess } from '../procfile.js';
import { appFolder, slugUser } from './slug-layer.js';

/** Of each slug's config: its process types as JSON, `{"web":"node server.js"}`; by it a slug is known. */
export const processTypesLabel = 'tsrun.process-types';

/**
 * The order of a dyno's start: config vars are there already; /etc/profile, the app's .profile.d/*.sh by name, its .profile, the command.
 * On Heroku's own stacks /etc/profile sources .profile.d itself, which it does not find under another HOME. Sourced scripts see no
 * arguments, and one may do what it likes with them. One word is a command line for bash, which gives its place to a plain program so that
 * signals reach that; several words are a program and its arguments.
 */
const bootScript = [
  'tsrun_command=("$@"); set --',
  '[[ -r /etc/profile ]] && HOME=/ . /etc/profile',
  'for tsrun_script in "$HOME"/.profile.d/*.sh "$HOME"/.profile; do [[ -r $tsrun_script ]] && . "$tsrun_script"; done',
  'unset tsrun_script',
  'if ((${#tsrun_command[@]} == 1)); then exec bash -c "${tsrun_command[0]}"; fi',
  'exec "${tsrun_command[@]}"',
].join('\n');

export function slugConfig(platform: Platform, diffId: string, processTypes: ReadonlyMap<string, string>): ImageConfig {
  const command = defaultProcess(processTypes);
  const home = `/${appFolder}`;
  const config: RunConfig = {
    User: `${slugUser.uid}:${slugUser.gid}`,
    Env: [`HOME=${home}`],
    Entrypoint: ['bash', '-c', bootScript, 'bash'],
    ...(command !== undefined && { Cmd: [command] }),
    WorkingDir: home,
    Labels: { [processTypesLabel]: JSON.stringify(Object.fromEntries(processTypes)) },
  };
  return { ...platform, config, rootfs: { type: 'layers', diff_ids: [diffId] }, history: [{ created_by: 'slug' }] };
}
