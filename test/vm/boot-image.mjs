// Takes the kernel out of x86's self-extracting boot image: xz alone costs four seconds of every start under emulation.
import { spawnSync } from 'node:child_process';

// Linux's Documentation/arch/x86/boot.rst.
const header = { setupSectors: 0x1f1, signature: 0x202, payloadOffset: 0x248, payloadLength: 0x24c };
const sector = 512;
const signature = 'HdrS';

const compressions = [
  { magic: 'fd377a585a00', command: ['xz', '-dc', '--single-stream'] },
  { magic: '28b52ffd', command: ['zstd', '-dcq'] },
  { magic: '1f8b08', command: ['gzip', '-dcq'] },
];
const elfMagic = '7f454c46';

/** The bytes of the kernel itself, or the image as it is when it has another form; QEMU starts both. */
export function uncompressed(image) {
  if (image.toString('latin1', header.signature, header.signature + signature.length) !== signature) return image;
  const start = ((image[header.setupSectors] || 4) + 1) * sector + image.readUInt32LE(header.payloadOffset);
  const payload = image.subarray(start, start + image.readUInt32LE(header.payloadLength));
  const compression = compressions.find(({ magic }) => startsWith(payload, magic));
  if (!compression) return image;
  const [command, ...args] = compression.command;
  // The payload ends with four bytes of its own, about which some tools complain after having written everything.
  const { stdout } = spawnSync(command, args, { input: payload, maxBuffer: 1 << 28 });
  return stdout && startsWith(stdout, elfMagic) ? stdout : image;
}

function startsWith(bytes, magic) {
  return bytes.subarray(0, magic.length / 2).toString('hex') === magic;
}
