// Whether this notebook's kernel and server still answer, as the page can tell.

const PATIENCE = 2500; // ms that a connection may be renewed without a word
const ENDED = new Set(['dead', 'terminating', 'restarting', 'autorestarting']);

/**
 * Watch the kernel that a widget model belongs to. `tell` gets `ok`, `stopped` (this kernel is gone
 * for good) or `unreachable` (the server does not answer); returns what ends the watch.
 */
export function watchKernel(model, tell) {
  const manager = model.widget_manager;
  const context = manager?.context?.sessionContext ?? null;
  const source = context ?? manager?.kernel ?? null;
  let state = 'ok';
  let timer = null;
  const set = next => {
    clearTimeout(timer);
    timer = null;
    if (state === 'stopped' || state === next) return;
    state = next;
    tell(state);
  };
  const onStatus = (_, status) => { if (ENDED.has(status)) set('stopped'); };
  const onConnection = (_, status) => {
    if (status === 'connected') set('ok');
    else timer ??= setTimeout(() => set('unreachable'), PATIENCE);
  };
  const onKernel = (_, { newValue, oldValue }) => {
    if (!newValue || (oldValue && oldValue.id !== newValue.id)) set('stopped');
  };
  const onComm = () => { if (!model.comm_live && !timer) set(state === 'unreachable' ? state : 'stopped'); };
  source?.statusChanged?.connect(onStatus);
  source?.connectionStatusChanged?.connect(onConnection);
  context?.kernelChanged?.connect(onKernel);
  model.on('comm_live_update', onComm);
  return () => {
    clearTimeout(timer);
    source?.statusChanged?.disconnect(onStatus);
    source?.connectionStatusChanged?.disconnect(onConnection);
    context?.kernelChanged?.disconnect(onKernel);
    model.off('comm_live_update', onComm);
  };
}
