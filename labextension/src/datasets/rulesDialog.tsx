/** The dialog that has a version checked again: which rules, with which numbers. */

import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import type { IRule, IRuleChoice, IRuleNumber } from '../api/datasets.js';
import { describe } from '../api/problem.js';
import { plain } from '../recipes/words.js';
import { askStaying } from '../stayingDialog.js';
import { IRuleFields, byGroup, choiceOf, complaintOf, fieldsOf, textOf, withNumber, withRule } from './ruleChoice.js';
import { groupText, numberComplaintText, severityText } from './words.js';

class RulesBody extends ReactWidget {
  constructor(
    private readonly _rules: readonly IRule[],
    chosen: Partial<IRuleChoice>,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this._fields = fieldsOf(chosen);
    this.addClass('alphintra-Rules');
  }

  /** What is chosen, or `null` and the complaints stand at their fields. */
  read(): IRuleChoice | null {
    return choiceOf(this._rules, this._fields);
  }

  refuse(error: unknown): void {
    const { text, details } = describe(error);
    this._problem = [text, ...details.slice(0, 1)].join(' ');
    this.update();
  }

  protected override render(): JSX.Element {
    const { _trans: trans, _fields: fields } = this;
    const count = this._rules.length - this._rules.filter(rule => fields.leftOut.has(rule.id)).length;
    return (
      <>
        <p className="alphintra-muted">
          {trans.__('A version counts as checked once all rules ran on it: with one left out, it stays open.')}
        </p>
        <label className="alphintra-Rules-reference">
          <span>{trans.__('Splits and dividends')}</span>
          <input
            className="alphintra-Input"
            placeholder={trans.__('none are known')}
            title={trans.__('A dataset of reference data: its dates then count as known, for ADJ_INCONSISTENT and SPLIT_LIKE.')}
            spellCheck={false}
            value={fields.reference}
            onChange={event => this._set({ ...fields, reference: event.target.value })}
          />
        </label>
        <p role="status">{trans.__('%1 of %2 rules are checked', count, this._rules.length)}</p>
        <div className="alphintra-Rules-groups">
          {byGroup(this._rules).map(({ group, rules }) => (
            <fieldset key={group}>
              <legend>{groupText(group, trans)}</legend>
              {rules.map(rule => this._rule(rule))}
            </fieldset>
          ))}
        </div>
        {this._problem === null ? null : (
          <p className="alphintra-Problem" role="alert">
            {this._problem}
          </p>
        )}
      </>
    );
  }

  private _rule(rule: IRule): JSX.Element {
    const { _trans: trans, _fields: fields } = this;
    const isChecked = !fields.leftOut.has(rule.id);
    return (
      <div key={rule.id} className="alphintra-Rules-rule" data-rule={rule.id}>
        <label>
          <input
            type="checkbox"
            checked={isChecked}
            onChange={event => this._set(withRule(fields, rule.id, event.target.checked))}
          />
          <span>{rule.id}</span>
          <span className={`alphintra-Rules-severity alphintra-is-${rule.severity}`}>
            {severityText(rule.severity, trans)}
          </span>
          <span className="alphintra-muted alphintra-Rules-what">
            {rule.seen_in === 'file'
              ? trans.__('%1 As found when the file was read.', plain(rule.definition))
              : plain(rule.definition)}
            {rule.silent ? <span>{trans.__('No finding: %1', plain(rule.silent))}</span> : null}
          </span>
        </label>
        {isChecked && rule.parameters.length > 0 ? (
          <div className="alphintra-Rules-numbers">{rule.parameters.map(number => this._number(rule, number))}</div>
        ) : null}
      </div>
    );
  }

  private _number(rule: IRule, number: IRuleNumber): JSX.Element {
    const { _trans: trans, _fields: fields } = this;
    const text = textOf(fields, rule.id, number);
    const complaint = complaintOf(text, number);
    return (
      <label key={number.name}>
        <input
          className="alphintra-Input"
          inputMode="decimal"
          aria-invalid={complaint !== null}
          aria-label={`${rule.id}: ${number.text}`}
          placeholder={String(number.default)}
          value={text}
          onChange={event => this._set(withNumber(fields, rule.id, number.name, event.target.value))}
        />
        <span
          className={complaint ? 'alphintra-Field-complaint' : 'alphintra-muted'}
          role={complaint ? 'alert' : undefined}
        >
          {complaint ? numberComplaintText(complaint, number, trans) : number.text}
        </span>
      </label>
    );
  }

  private _set(fields: IRuleFields): void {
    this._fields = fields;
    this._problem = null;
    this.update();
  }

  private _fields: IRuleFields;
  private _problem: string | null = null;
}

/** Ask which rules; true when the check was queued. */
export function askForRules(
  title: string,
  rules: readonly IRule[],
  chosen: Partial<IRuleChoice>,
  send: (choice: IRuleChoice) => Promise<unknown>,
  trans: TranslationBundle
): Promise<boolean> {
  const body = new RulesBody(rules, chosen, trans);
  return askStaying({
    title,
    body,
    accept: Dialog.okButton({ label: trans.__('Check') }),
    leave: trans.__('Cancel'),
    className: 'alphintra-RulesDialog',
    send: async () => {
      const choice = body.read();
      if (choice === null) {
        return false;
      }
      try {
        await send(choice);
        return true;
      } catch (error) {
        body.refuse(error);
        return false;
      }
    }
  });
}
