/** The key below which a config names the part that other proxies have too. A symbol, because it is no part of the config itself. */
export const commonPart: unique symbol = Symbol('common part');
