/** The plugin that the others build on: server client, language, settings, appearance. */

import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IThemeManager } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

import { Client } from '../api/client.js';
import { IAlphintra } from '../tokens.js';
import { DEFAULTS, ISettingValues, readSettings } from './values.js';

const PLUGIN_ID = '@alphintra/lab:plugin';

export const settingsPlugin: JupyterFrontEndPlugin<IAlphintra> = {
  id: PLUGIN_ID,
  description: 'Server client, settings and appearance of Alphintra.',
  autoStart: true,
  requires: [ISettingRegistry],
  optional: [ITranslator, IThemeManager],
  provides: IAlphintra,
  activate: (
    app: JupyterFrontEnd,
    registry: ISettingRegistry,
    translator: ITranslator | null,
    themes: IThemeManager | null
  ): IAlphintra => {
    let values: ISettingValues = { ...DEFAULTS };
    const appearance = new Signal<object, void>({});
    const service: IAlphintra = {
      client: new Client(app.serviceManager.serverSettings),
      trans: (translator ?? nullTranslator).load('alphintra'),
      get settings() {
        return values;
      },
      appearanceChanged: appearance
    };
    registry.load(PLUGIN_ID).then(
      settings => {
        const apply = (): void => {
          const next = readSettings(settings.composite);
          const recolor = next.colors !== values.colors;
          values = next;
          document.body.dataset.alphintraColors = next.colors;
          if (recolor) {
            appearance.emit();
          }
        };
        settings.changed.connect(apply);
        apply();
      },
      (reason: unknown) => {
        console.error('Alphintra runs with its default settings.', reason);
      }
    );
    themes?.themeChanged.connect(() => {
      // The new style sheet is in place, but its variables are only after the next frame.
      requestAnimationFrame(() => appearance.emit());
    });
    return service;
  }
};
