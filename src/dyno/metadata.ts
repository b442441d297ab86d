/** What a dyno is told of its app and release, by the names that Heroku's lab `runtime-dyno-metadata` has for it. */

export interface Release {
  /** Of the app. */
  readonly name: string;
  /** How often it was redeployed before. */
  readonly release: number;
  /** Milliseconds since 1970. */
  readonly releasedAtMs: number;
  /** The commit that the image says it was built from. */
  readonly revision: string | undefined;
}

/** Looked up when it is needed: it is the dearest of Node's modules. */
const crypto = () => process.getBuiltinModule('node:crypto');

export function dynoMetadata({ name, release, releasedAtMs, revision }: Release): Readonly<Record<string, string>> {
  return {
    HEROKU_APP_ID: idOf(name),
    HEROKU_APP_NAME: name,
    HEROKU_RELEASE_CREATED_AT: new Date(releasedAtMs).toISOString().replace(/\.\d+/, ''),
    HEROKU_RELEASE_VERSION: `v${release + 1}`,
    ...(revision !== undefined && { HEROKU_BUILD_COMMIT: revision, HEROKU_SLUG_COMMIT: revision, HEROKU_SLUG_DESCRIPTION: `Deploy ${revision.slice(0, 8)}` }),
  };
}

/** The same for the same name, whoever runs the app: a UUID of version 8, whose bits are the maker's own (RFC 9562). */
function idOf(name: string): string {
  const digits = crypto().createHash('sha256').update(`tsrun app ${name}`).digest('hex');
  const variant = (Number.parseInt(digits.slice(16, 17), 16) & 3) | 8;
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-8${digits.slice(13, 16)}-${variant.toString(16)}${digits.slice(17, 20)}-${digits.slice(20, 32)}`;
}
