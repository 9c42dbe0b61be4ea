// SPDX-License-Identifier: Apache-2.0
/** date: the forms of dates that certificates and collateral have, as seconds since 1970. */
import { refuse } from "./bytes.mjs";

/** Date would take the 31st of April, and a time of day of 24:00. */
function seconds(parts) {
  const [year, month, day, hour, minute, second] = parts;
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const back = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(),
    date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()];
  return year >= 1970 && parts.every((part, i) => part === back[i])
    ? date.getTime() / 1000 : refuse("there is no such date");
}

function match(text, form) {
  const found = form.exec(text);
  return found ? found.slice(1).map(Number) : refuse("a date of another form");
}

/** UTCTime of RFC 5280: two digits of the year, of which those from 50 on are of 19xx. */
export function dateOfUtcTime(text) {
  const [year, ...rest] = match(text, /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/);
  return seconds([year + (year < 50 ? 2000 : 1900), ...rest]);
}

/** GeneralizedTime of RFC 5280. */
export function dateOfGeneralTime(text) {
  return seconds(match(text, /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/));
}

/** 2026-01-31T00:00:00Z and no other form. */
export function dateOfText(text) {
  return seconds(match(text, /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/));
}

/** @param {number} timeS */
export function dateWrite(timeS) {
  return `${new Date(timeS * 1000).toISOString().slice(0, 19)}Z`;
}
