/** The focus of somebody who works by keyboard, where what has it is switched off for a while, or goes away. */

import React from 'react';

/** What takes the focus around something. */
function around(node: HTMLElement): HTMLElement | null {
  return node.parentElement?.closest<HTMLElement>('[tabindex]') ?? null;
}

/** While it is busy, buttons and fields are off and have no focus: afterwards it is where it was, or around what is off still. */
export function useKeptFocus(isBusy: boolean): void {
  const held = React.useRef<readonly HTMLElement[]>([]);
  if (isBusy && held.current.length === 0 && document.activeElement instanceof HTMLElement) {
    const own = document.activeElement;
    held.current = [own, around(own)].filter((node): node is HTMLElement => node !== null);
  }
  React.useEffect(() => {
    if (!isBusy) {
      const back = held.current.find(node => node.isConnected && !node.matches(':disabled'));
      held.current = [];
      // Who went on elsewhere meanwhile stays there.
      if (document.activeElement === document.body) {
        back?.focus({ preventScroll: true });
      }
    }
  }, [isBusy]);
}

/** The `ref` of what goes away while it has the focus, as the button that tries again: it is around it then, not nowhere. */
export function useFocusAround<T extends HTMLElement>(
  given?: React.MutableRefObject<T | null>
): (node: T | null) => void {
  const kept = React.useRef<T | null>(null);
  const own = given ?? kept;
  return React.useCallback(node => {
    if (node === null && own.current?.contains(document.activeElement)) {
      around(own.current)?.focus({ preventScroll: true });
    }
    own.current = node;
  }, []);
}
