/**
 * Text that came from elsewhere (a container, a file, the command line) must not drive the terminal that it is shown on:
 * control characters, and the bidirectional marks that reorder what is read, are shown as escapes.
 */

// C0, DEL and C1; then the marks that change reading direction, and the separators that some terminals break lines at.
const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const short = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

export function escapeControl(text: string): string {
  return text.replace(unprintable, (character) => short.get(character) ?? hex(character));
}

/** JSON leaves what is above its own control characters as it is. Its line breaks stay. */
export function escapeJson(json: string): string {
  return json.replace(unprintable, (character) => (character < ' ' ? character : unicode(character)));
}

/** In double quotes, on one line, whatever it holds. */
export function quote(text: string): string {
  return `"${escapeControl(text)}"`;
}

function hex(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : unicode(character);
}

function unicode(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
