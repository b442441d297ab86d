// One calm line a stage, with its time; details only when it failed.
const labelWidth = 18;

export class Stages {
  #start = Date.now();

  /** Gives whether the checkout may go on to the next stage. */
  async run(label, needed, work) {
    const start = Date.now();
    const head = `  ${label.padEnd(labelWidth)}`;
    if (!needed) return say(`${head}up to date\n`);
    if (process.stdout.isTTY) say(`${head}…`);
    try {
      await work();
      return say(`${clear()}${head}${secondsSince(start)}\n`);
    } catch (error) {
      say(`${clear()}${head}failed after ${secondsSince(start)}\n`);
      process.stderr.write(`\n${error.message}\n`);
      return false;
    }
  }

  done() {
    say(`  ${'ready'.padEnd(labelWidth)}${secondsSince(this.#start)}\n\n`);
  }
}

function clear() {
  return process.stdout.isTTY ? '\r\x1b[K' : '';
}

function secondsSince(start) {
  return `${((Date.now() - start) / 1000).toFixed(1)} s`;
}

function say(text) {
  process.stdout.write(text);
  return true;
}
