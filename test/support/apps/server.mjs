// A web server as a platform runs it: listens on PORT, says so, ends in order on SIGTERM. Commands come as paths.
import { createServer } from 'node:http';

const held = [];
let requests = 0;

const routes = {
  '/': () => `hello from pid ${process.pid}\n`,
  '/print': (query) => {
    console.log(query.get('text'));
    return 'printed\n';
  },
  '/hold': (query) => {
    // Touched, or the kernel would not count it.
    held.push(Buffer.alloc(Number(query.get('bytes')), 1));
    return `${held.length}\n`;
  },
  '/end': (query) => {
    setImmediate(() => process.exit(Number(query.get('code'))));
    return 'ending\n';
  },
};

const server = createServer((request, response) => {
  requests++;
  const { pathname, searchParams } = new URL(request.url, 'http://app');
  if (pathname === '/echo') return void request.pipe(response);
  const route = routes[pathname];
  response.writeHead(route === undefined ? 404 : 200).end(route?.(searchParams));
});

process.on('SIGTERM', () => {
  console.log('SIGTERM: finishing');
  server.close(() => {
    console.log(`finished after ${requests} requests`);
    process.exitCode = 7;
  });
  server.closeIdleConnections();
});

server.listen(Number(process.env.PORT), () => console.log('listening'));
