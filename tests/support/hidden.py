"""A page as a browser treats one that nobody sees."""

from __future__ import annotations

__all__ = ["HIDE"]

# Headless Chromium counts every tab as seen: here is what a browser does to one that is not.
HIDE = """
() => {
  const [next, hidden] = [window.requestAnimationFrame, { configurable: true, get: () => true }];
  const waiting = [];
  window.requestAnimationFrame = call => -waiting.push(call); // no frames
  Object.defineProperty(document, 'hidden', hidden);
  Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' });
  document.dispatchEvent(new Event('visibilitychange'));
  window.showAgain = () => {
    window.requestAnimationFrame = next;
    delete document.hidden;
    delete document.visibilityState;
    document.dispatchEvent(new Event('visibilitychange'));
    for (const call of waiting) next.call(window, call);
  };
}
"""
