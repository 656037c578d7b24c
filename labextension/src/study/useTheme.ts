/** The theme as a part of the page follows it. */

import React from 'react';

import type { IResultEnvironment } from '../result/environment.js';
import type { Palette } from './payload.js';
import { readTheme } from './readTheme.js';
import type { ITheme } from './theme.js';

/** The theme at a node, `null` before the node is in the page. */
export function useTheme(
  node: React.RefObject<HTMLElement>,
  palette: Palette,
  environment: IResultEnvironment
): ITheme | null {
  const [theme, setTheme] = React.useState<ITheme | null>(null);
  React.useLayoutEffect(() => {
    const read = (): void => {
      if (node.current) {
        setTheme(readTheme(node.current, palette));
      }
    };
    read();
    environment.appearanceChanged.connect(read);
    return () => {
      environment.appearanceChanged.disconnect(read);
    };
  }, [palette, environment]);
  return theme;
}
