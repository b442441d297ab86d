import test from 'ava';
import { dynoMetadata } from '../../src/dyno/metadata.js';

const release = { name: 'shop', release: 41, releasedAtMs: Date.UTC(2015, 3, 2, 18, 0, 42, 700), revision: '2c3a0b24069af49b3de35b8e8c26765c1dba9ff0' };

test('as Heroku writes them', (t) => {
  const { HEROKU_APP_ID: app, ...others } = dynoMetadata(release);
  t.deepEqual(others, {
    HEROKU_APP_NAME: 'shop',
    HEROKU_RELEASE_CREATED_AT: '2015-04-02T18:00:42Z',
    HEROKU_RELEASE_VERSION: 'v42',
    HEROKU_BUILD_COMMIT: release.revision,
    HEROKU_SLUG_COMMIT: release.revision,
    HEROKU_SLUG_DESCRIPTION: 'Deploy 2c3a0b24',
  });
  t.regex(app ?? '', /^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
});

test('an app has one id; what an image does not say is not there', (t) => {
  const [one, two, other] = [dynoMetadata(release), dynoMetadata({ ...release, revision: undefined }), dynoMetadata({ ...release, name: 'blog' })];
  t.is(one['HEROKU_APP_ID'], two['HEROKU_APP_ID']);
  t.not(one['HEROKU_APP_ID'], other['HEROKU_APP_ID']);
  t.false('HEROKU_SLUG_COMMIT' in two);
});
