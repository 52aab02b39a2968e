// Put a brotli copy beside every text file of a finished build, so that the gateway compresses nothing per request.
// Usage: node scripts/compress.mjs FOLDER
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const TEXT = /\.(?:html|js|css|svg|txt|webmanifest)$/;
const SMALLEST = 512;
const folder = process.argv[2];
if (folder === undefined) throw new Error("Name the folder whose files are to be compressed.");

for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
  if (!entry.isFile() || !TEXT.test(entry.name)) continue;
  const name = path.join(entry.parentPath, entry.name);
  const content = readFileSync(name);
  if (content.length < SMALLEST) continue;
  const params = { [constants.BROTLI_PARAM_QUALITY]: 10, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  writeFileSync(`${name}.br`, brotliCompressSync(content, { params }));
}
