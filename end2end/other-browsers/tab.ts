// What the smoke tests need of a browser, whichever protocol drives it.

/** An element of a page. Each method fails if the element has left the page. */
export type Handle = {
  text(): Promise<string>;
  click(): Promise<void>;
  type(text: string): Promise<void>;
};

export type Key = 'ArrowDown' | 'ArrowUp' | 'Escape';

export abstract class Tab {
  abstract open(url: string): Promise<void>;
  abstract url(): Promise<string>;
  abstract press(key: Key): Promise<void>;
  /** Returns the value of a JavaScript expression. */
  abstract evaluate(expression: string): Promise<unknown>;
  /** Closes the tab and removes its cookies. */
  abstract close(): Promise<void>;
  /** Returns the visible elements with this role, and this accessible name if there is one, inside the CSS selector. */
  protected abstract find(role: string, name: string | undefined, inside: string): Promise<Handle[]>;

  private async only(role: string, name: string, inside = 'body'): Promise<Handle> {
    const [element, ...more] = await this.find(role, name, inside);
    if (!element || more.length > 0) throw new Error(`${more.length + (element ? 1 : 0)} elements with role ${role} and name "${name}", not 1`);
    return element;
  }

  /** Returns the texts of all visible elements with this role, and this accessible name if there is one. */
  async texts(role: string, name?: string): Promise<string[]> {
    return Promise.all((await this.find(role, name, 'body')).map((element) => element.text()));
  }

  /** Clicks the only visible element with this role and accessible name, inside the CSS selector if there is one. */
  async click(role: string, name: string, inside?: string): Promise<void> {
    await (await this.only(role, name, inside)).click();
  }

  /** Types into the only visible element with this role and accessible name. */
  async type(role: string, name: string, text: string): Promise<void> {
    await (await this.only(role, name)).type(text);
  }
}

/** A running browser. */
export type Engine = {
  /** Opens a tab that shares no cookies with the others. */
  newTab(): Promise<Tab>;
  close(): Promise<void>;
};
