// A worker of one question: can this address be loaded?

onmessage = async ({ data: url }) => {
  try {
    await fetch(url, { mode: 'no-cors', signal: AbortSignal.timeout(8000) });
    postMessage(true);
  } catch {
    postMessage(false);
  }
};
