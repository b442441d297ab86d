// A web app as a platform runs it: listens on PORT, tells what it sees of its dyno, and answers what it has begun before SIGTERM ends it.
import { userInfo } from 'node:os';
import polka from 'polka';

const { PORT, STACK, GREETING, NODE_ENV } = process.env;
let answered = 0;

const { server } = polka()
  .use((request, response, next) => {
    response.on('finish', () => answered++);
    next();
  })
  .get('/', (request, response) => {
    const { uid, homedir } = userInfo();
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ greeting: GREETING, mode: NODE_ENV, stack: STACK, node: process.execPath, version: process.version, architecture: process.arch, pid: process.pid, uid, homedir, folder: process.cwd() }));
  })
  .get('/hello/:name', ({ params }, response) => response.end(`hello ${params.name}\n`))
  .listen(PORT, () => console.log(`listening on ${PORT}`));

process.on('SIGTERM', () => {
  console.log('SIGTERM: closing');
  server.close(() => console.log(`closed after ${answered} requests`));
  server.closeIdleConnections();
});
