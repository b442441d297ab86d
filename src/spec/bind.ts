/** A bind is known by its type or by its options (config.md of the runtime-spec, "Mounts"). */
export function isBind({ type, options = [] }: { readonly type?: string; readonly options?: readonly string[] }): boolean {
  return type === 'bind' || options.includes('bind') || options.includes('rbind');
}
