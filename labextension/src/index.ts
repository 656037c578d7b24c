import { JupyterFrontEndPlugin } from '@jupyterlab/application';

const plugin: JupyterFrontEndPlugin<void> = {
  id: '@alphintra/lab:plugin',
  description: 'Alphintra in JupyterLab.',
  autoStart: true,
  activate: () => undefined
};

export default plugin;
