/** Asking a notebook's kernel on its control channel, which answers while a cell runs. */

import type { ISessionContext } from '@jupyterlab/apputils';
import type { Kernel } from '@jupyterlab/services';

import { KERNEL } from '../tokens.js';

/** What the list needs of a kernel. */
export interface IAsked {
  readonly id: string;
  /** Whether it knows what a trading object is. */
  readonly isOurs: boolean;
  readonly status: Kernel.Status;
  /** Send a request; the body of the answer. */
  ask(command: string, args: Record<string, unknown>): Promise<unknown>;
}

let sequence = 0;

/** Refused by the kernel, which says why. */
export class RefusedError extends Error {}

/** The kernel of a notebook; `null` where it has none. */
export function kernelOf(context: ISessionContext): IAsked | null {
  const kernel = context.session?.kernel;
  if (!kernel) {
    return null;
  }
  return {
    id: kernel.id,
    isOurs: kernel.name === KERNEL,
    get status() {
      return kernel.status;
    },
    async ask(command, args) {
      sequence += 1;
      const future = kernel.requestDebug({
        type: 'request',
        seq: sequence,
        command,
        arguments: args
      } as Parameters<Kernel.IKernelConnection['requestDebug']>[0]);
      const { content } = await future.done;
      const answer = content as unknown as { success?: unknown; message?: unknown; body?: unknown };
      if (answer.success !== true) {
        throw new RefusedError(typeof answer.message === 'string' ? answer.message : '');
      }
      return answer.body;
    }
  };
}
