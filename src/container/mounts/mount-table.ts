/** Where things are mounted, as the kernel tells it (proc(5), /proc/pid/mountinfo). */

export interface MountEntry {
  readonly id: number;
  readonly path: string;
}

/** In the order of the table: of several at one path the last is what is seen. */
export function parseMountTable(text: string): MountEntry[] {
  return text.split('\n').flatMap((line) => {
    const [id = '', , , , path = ''] = line.split(' ');
    return path === '' ? [] : [{ id: Number(id), path: unescape(path) }];
  });
}

/** The kernel writes blanks and backslashes in octal. */
function unescape(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_match, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
