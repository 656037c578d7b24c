/** Where a file of the workspace lies for a kernel. */

import { PathExt } from '@jupyterlab/coreutils';

/** The kernel's path of a file of the workspace, for a kernel that was started beside a notebook. */
export function inKernel(folder: string, notebook: string, file: string): string {
  const way = PathExt.relative(PathExt.dirname(notebook), file);
  return `/${PathExt.normalize(`${folder}/${way}`)}`;
}
