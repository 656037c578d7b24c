/** Where a file of the workspace lies for a kernel, and back. */

import { PathExt } from '@jupyterlab/coreutils';

/** The kernel's path of a file of the workspace, for a kernel that was started beside a notebook. */
export function inKernel(folder: string, notebook: string, file: string): string {
  const way = PathExt.relative(PathExt.dirname(notebook), file);
  return `/${PathExt.normalize(`${folder}/${way}`)}`;
}

/** The workspace's path of a kernel's file; null where it lies outside of the notebook's folder. */
export function inWorkspace(folder: string, notebook: string, file: string): string | null {
  if (!file.startsWith(`${folder}/`)) {
    return null;
  }
  return PathExt.normalize(`${PathExt.dirname(notebook)}/${file.slice(folder.length + 1)}`);
}
