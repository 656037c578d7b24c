/** The buttons of a replay, the date, and the expression to run until. */

import { drawing, h } from './dom.js';
import { Command, KEY_NAMES } from './keys.js';
import type { IFacts, IStatus } from './payload.js';
import { FIRST_RATE, RATES } from './player.js';

export interface IControlHandlers {
  run(command: Command): void;
  until(what: string): void;
  goTo(date: string): void;
  changeRate(rate: number): void;
}

const ICONS = {
  back: 'M13 3.5v9L6.5 8zM3.5 3.5h2v9h-2z',
  step: 'M3 3.5v9L9.5 8zM10.5 3.5h2v9h-2z',
  play: 'M4 3v10l8.5-5z',
  pause: 'M4 3h3v10h-3zM9 3h3v10h-3z'
};

const TITLES: Record<Command, string> = {
  back: 'Back to the bar before',
  step: 'Let the next bar pass',
  play: 'Bar after bar',
  order: 'Run until the next order',
  fill: 'Run until the next fill',
  trade: 'Run until the next trade is closed',
  refusal: 'Run until the next order is refused',
  date: 'Go to a date'
};

function icon(path: string): SVGSVGElement {
  return drawing({ viewBox: '0 0 16 16', width: 14, height: 14, 'aria-hidden': 'true' }, path);
}

export class Controls {
  constructor(private readonly _handlers: IControlHandlers) {
    this._rate = h(
      'select',
      { class: 'alphintra-Input', 'aria-label': 'Speed', title: 'Bars a second' },
      ...RATES.map(rate =>
        h('option', { value: rate, selected: rate === FIRST_RATE }, rate === 1 ? '1 bar/s' : `${rate} bars/s`)
      )
    );
    this._rate.addEventListener('change', () =>
      this._handlers.changeRate(this.rate)
    );
    this._expression = h('input', {
      class: 'alphintra-Input alphintra-Replay-expression',
      type: 'text',
      placeholder: 'self.equity < 90_000',
      'aria-label': 'Run until this Python expression is true',
      title: 'A Python expression over self, looked at after each bar. Enter runs until it is true.',
      spellcheck: 'false',
      autocomplete: 'off'
    });
    this._expression.addEventListener('keydown', event => {
      if (event.key === 'Enter' && this._expression.value.trim()) {
        this._handlers.until(this._expression.value.trim());
      }
    });
    this._dateField = h('input', {
      class: 'alphintra-Input',
      type: 'date',
      'aria-label': 'Date to go to'
    });
    this._dateForm = h(
      'form',
      { class: 'alphintra-Replay-date', hidden: true },
      this._dateField,
      h('button', { class: 'alphintra-Button', type: 'submit' }, 'Go')
    );
    this._dateForm.addEventListener('submit', event => {
      event.preventDefault();
      if (this._dateField.value) {
        this._handlers.goTo(this._dateField.value.replace('T', ' '));
        this.showDate(false);
      }
    });
    this._dateForm.addEventListener('keydown', event => {
      if (event.key === 'Escape') {
        this.showDate(false);
      }
    });
    this._date = this._button('date', 'Date\u2026', null);
    this._date.setAttribute('aria-expanded', 'false');
    this.node = h(
      'div',
      { class: 'alphintra-Replay-controls', role: 'toolbar', 'aria-label': 'Replay' },
      h(
        'span',
        { class: 'alphintra-Replay-group' },
        this._button('back', 'Back', icon(ICONS.back)),
        this._play,
        this._rate,
        this._button('step', 'Step', icon(ICONS.step))
      ),
      h(
        'span',
        { class: 'alphintra-Replay-group' },
        this._button('order', 'Next order', null),
        this._button('fill', 'fill', null),
        this._button('trade', 'trade', null),
        this._button('refusal', 'refusal', null),
        h('span', { class: 'alphintra-Replay-dates' }, this._date, this._dateForm)
      ),
      h(
        'label',
        { class: 'alphintra-Replay-until' },
        h('span', { class: 'alphintra-muted' }, 'until'),
        this._expression
      )
    );
    this._play.addEventListener('click', () => this._handlers.run('play'));
  }

  readonly node: HTMLDivElement;

  get rate(): number {
    return Number(this._rate.value);
  }

  /** Open the field for a date and give it the focus, or close it. */
  showDate(open = this._dateForm.hidden): void {
    this._dateForm.hidden = !open;
    this._date.setAttribute('aria-expanded', String(open));
    (open ? this._dateField : this._date).focus();
  }

  show(facts: IFacts, status: IStatus, live: boolean): void {
    const playing = status.play !== null;
    if (playing !== this._playing) {
      this._playing = playing;
      this._play.replaceChildren(
        icon(playing ? ICONS.pause : ICONS.play),
        playing ? 'Pause' : 'Play',
        h('kbd', {}, KEY_NAMES.play ?? '')
      );
      this._play.setAttribute('aria-pressed', String(playing));
    }
    if (status.play && document.activeElement !== this._rate) {
      this._rate.value = String(status.play.rate);
    }
    const free = live && status.busy === null;
    const ended = facts.done;
    for (const [command, button] of this._buttons) {
      button.disabled = !free || (command === 'back' ? facts.bar < facts.first : command !== 'date' && ended);
    }
    this._play.disabled = !live || (!playing && (ended || status.busy !== null));
    this._expression.disabled = !free || ended;
    const type = facts.intraday ? 'datetime-local' : 'date';
    if (this._dateField.type !== type) {
      this._dateField.type = type;
    }
    if (this._dateForm.hidden && facts.time !== null) {
      this._dateField.value = facts.time.slice(0, facts.intraday ? 16 : 10);
    }
  }

  private _button(
    command: Command,
    label: string,
    picture: Node | null
  ): HTMLButtonElement {
    const button = h(
      'button',
      {
        type: 'button',
        class: 'alphintra-Button',
        'data-command': command,
        // The short labels go on from "Next order".
        'aria-label': /^[a-z]/.test(label) ? `Next ${label}` : null,
        title: TITLES[command]
      },
      picture,
      label,
      KEY_NAMES[command] && h('kbd', {}, KEY_NAMES[command])
    );
    button.addEventListener('click', () => this._handlers.run(command));
    this._buttons.set(command, button);
    return button;
  }

  private readonly _buttons = new Map<Command, HTMLButtonElement>();
  private readonly _play = h('button', {
    type: 'button',
    class: 'alphintra-Button alphintra-Replay-play',
    'data-command': 'play',
    title: TITLES.play
  });
  private _playing: boolean | null = null;
  private readonly _rate: HTMLSelectElement;
  private readonly _expression: HTMLInputElement;
  private readonly _date: HTMLButtonElement;
  private readonly _dateForm: HTMLFormElement;
  private readonly _dateField: HTMLInputElement;
}
