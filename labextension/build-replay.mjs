/**
 * The replay widget as one ES module with all that it needs, for whoever shows the kernel's widgets.
 *
 * `jlpm build:lib` comes first. The module is part of the kernel's package, which hands it to the browser.
 */

import { fileURLToPath } from 'node:url';

import { rspack } from '@rspack/core';

const place = path => fileURLToPath(new URL(path, import.meta.url));

const compiler = rspack({
  context: place('.'),
  mode: 'production',
  target: ['web', 'es2022'],
  entry: './lib/replay/main.js',
  devtool: false,
  experiments: { css: false },
  module: { rules: [{ test: /\.css$/, type: 'asset/source' }] },
  optimization: { concatenateModules: true },
  performance: { hints: false },
  output: {
    path: place('../alphintra_kernel/alphintra_kernel/assets'),
    filename: 'replay.js',
    module: true,
    chunkFormat: 'module',
    library: { type: 'module' }
  }
});

compiler.run((error, stats) => {
  if (error || stats.hasErrors()) {
    console.error(error ?? stats.toString({ preset: 'errors-only' }));
    process.exitCode = 1;
  }
  compiler.close(() => {});
});
