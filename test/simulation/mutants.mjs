// @ts-check
/**
 * @typedef {object} Mutant One rule of the product, switched off.
 * @property {string} checker The guarantee that is then found broken.
 * @property {string} profile The kind of history that finds it.
 * @property {{ file: string, from: string, to: string }[]} replacements
 */

/** @type {Record<string, Mutant>} */
export const MUTANTS = {};
