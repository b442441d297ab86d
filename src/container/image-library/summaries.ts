/** What the API says of images, from what the store keeps. */
import type { HistoryEntry, ImageConfig } from '../../image/documents.js';
import type { ImageDetails, ImageLayer, ImageSummary } from '../../image/image-types.js';
import type { ImageRecord } from '../../image/store/records.js';
import type { StoreLayout } from '../../image/store/layout.js';

export function summaryOf(record: ImageRecord, names: readonly string[]): ImageSummary {
  const { manifest, config, platform, created, layers, importedAtMs } = record;
  const blobs = new Map([manifest, config, ...layers.map(({ descriptor }) => descriptor)].map(({ digest, size }) => [digest, size]));
  const unpacked = new Map(layers.map(({ key, unpackedBytes }) => [key, unpackedBytes]));
  return {
    digest: manifest.digest,
    names,
    platform,
    ...(created !== undefined && { created }),
    unpackedBytes: sum(unpacked.values()),
    blobBytes: sum(blobs.values()),
    layers: layers.length,
    importedAtMs,
  };
}

export function detailsOf(record: ImageRecord, names: readonly string[], config: ImageConfig, layout: StoreLayout): ImageDetails {
  const commands = commandsOf(config.history ?? []);
  const layerDetails = record.layers.map(({ descriptor, diffId, key, unpackedBytes, entries }, index): ImageLayer => {
    const createdBy = commands.length === record.layers.length ? commands[index] : undefined;
    const { digest, mediaType, size } = descriptor;
    return { diffId, digest, mediaType, blobBytes: size, unpackedBytes, entries, path: layout.diff(key), ...(createdBy !== undefined && { createdBy }) };
  });
  return { ...summaryOf(record, names), config, layerDetails };
}

/** Of the entries that made a layer. An image may have fewer, or none: then it cannot be told which is whose. */
function commandsOf(history: readonly HistoryEntry[]): (string | undefined)[] {
  return history.filter(({ empty_layer: isEmpty }) => isEmpty !== true).map(({ created_by: command }) => command);
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
