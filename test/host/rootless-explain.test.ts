// The dry run of an ordinary user, who may not have what a start needs.
import test from 'ava';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { OrdinaryUser } from '../support/ordinary-user.js';

const lab = new Lab();

needs('root', 'command:setpriv')('without subordinate ids explain tells of the container that there would be with them', async (t) => {
  const user = new OrdinaryUser(lab);
  // A single id would not have the group.
  const [explained] = await user.ask([{ do: 'explain', options: { command: ['true'], groups: [10] } }], { subordinate: false });
  t.regex(explained?.warnings?.[0] ?? explained?.error?.message ?? '', /^run would refuse: the user 'tsrun-test' has no subordinate ids in '\/etc\/subuid': as root: usermod /);
  t.is(explained?.said, '[{"containerID":0,"hostID":0,"size":1},{"containerID":1,"hostID":1,"size":65535}]');
  t.deepEqual(await user.leftovers(), []);
  user.remove();
});

test.after.always(() => {
  lab.removeFolders();
});
