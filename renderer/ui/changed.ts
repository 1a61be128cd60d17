/** A setter that does nothing when the value is the one of last time: for what is written into the page outside of React. */
export function changed<Value>(set: (value: Value) => void): (value: Value) => void {
  let last: Value | undefined;
  return value => { if (value !== last) { last = value; set(value); } };
}

/** A piece of text at the end of an element, written anew instead of made anew. */
export function textAt(element: Element): (value: string) => void {
  const node = element.appendChild(document.createTextNode(''));
  return changed(value => { node.data = value; });
}
