/** Of `node:util`, what shared code uses. */
export function getSystemErrorName(errno: number): string {
  return `Unknown system error ${errno}`;
}
