// What the page says, in English and Korean.

const EN = {
  language: '한국어',
  as: 'as {member}', until: 'until {time}',
  messages: 'From the host', name: 'Your name in this group', join: 'Join',
  'name.unreachable': 'The server does not answer. Try again with a network.',
  'name.taken': 'Somebody here has this name already. Choose another one.',
  'name.bad': 'This name cannot be used: {why}',
  'consent.title': 'Before you share', 'consent.agree': 'I agree', 'consent.version': 'Text version {version}. It is kept with your agreement.',
  'fact.what': 'Your position is sent while sharing is on and this page is open and visible, never otherwise.',
  'fact.watch': 'Who can watch: the host{names}.', 'fact.watch.open': 'Others may join by an open invite, and watch.',
  'fact.until': 'Until {time}. You can stop at any time.',
  'fact.kept': 'Positions are kept for {span}.', 'fact.kept.ever': 'Positions are kept until they are deleted.',
  'fact.ephemeral': 'Positions are never written to a disk.',
  'fact.recording': 'A recording runs ({names}): what lies in it is kept until it is deleted.',
  'fact.delete': 'You can delete all that you have sent.', 'fact.consented': 'You agreed to text version {version}.',
  group: 'The group', fit: 'Show all', 'map.label': 'Map of the group', me: 'You', unseen: 'nobody else to be seen',
  precision: 'How exact', 'precision.exact': 'Exact',
  'precision.group': 'This group keeps positions to {metres} at most.', 'precision.on': 'Others see a point of a grid of {metres}.',
  awake: 'Keep the screen on', 'awake.no': 'This browser cannot keep the screen on: set your phone to do so.',
  'awake.on': 'A hidden page or a locked phone measures nothing.',
  note: 'A note for the group', 'note.send': 'Send', 'note.waits': 'It waits for the network.', 'note.sent': 'Sent.',
  apps: 'For a day out, use an app',
  'apps.why': 'A browser page shares only while it is open and visible. An app goes on with the phone in a pocket.',
  'apps.how': 'Install one, then tap “Set up”: your invite is filled in. It shares by itself: pause and stop it in the app. Stop sharing here then.',
  'apps.open': 'Set up', 'apps.copy': 'Copy address', 'apps.address': 'Address for the app', 'on.ios': 'iPhone', 'on.android': 'Android',
  'apps.copied': 'Copied. Keep it to yourself. It goes into {where}.', 'apps.by_hand': 'Copy this and keep it to yourself. It goes into {where}.',
  'apps.owntracks': 'Preferences › Connection › URL (mode HTTP)', 'apps.traccar': 'Settings › Server URL', 'apps.overland': 'Settings › Receiver Endpoint',
  'apps.gpslogger': 'Profile › From URL', 'apps.osmand': 'Plugins › Trip recording › Online tracking › Web address',
  gaps: 'Gaps', 'gap.hidden': '{from} – {until}: the page was hidden, so the phone measured nothing.',
  'gap.closed': '{from} – {until}: the page was closed.', 'gap.no_position': '{from} – {until}: the phone found no position.',
  about: 'Who sees it, until when', delete: 'Stop and delete my data',
  'delete.title': 'Delete all you have sent?', 'delete.text': 'Sharing stops. Your positions and notes are removed for good, from recordings too, and this invite ends.',
  'delete.yes': 'Delete', 'delete.refused': 'Nothing was deleted: {why}',
  'delete.unreachable': 'The server cannot be reached, so what it has is not deleted yet. Sharing is off. Try again with a network.', no: 'Cancel',
  pause: 'Pause 15 min', resume: 'Resume', start: 'Start sharing', stop: 'Stop sharing', bar: 'Sharing', sos: 'SOS',
  'sos.title': 'Call for help?', 'sos.text': 'Everybody who watches is told, with your exact position. It does not call an ambulance or the police.',
  'sos.yes': 'Send SOS', 'sos.word': 'needs help', 'sos.waits': 'Your SOS waits for the network.', 'sos.sent': 'Your SOS was sent at {time}.',
  ago: '{span} ago', now: 'now', 's': '{n} s', 'min': '{n} min', 'h': '{n} h', 'd': '{n} days',
  'facts.sent': 'Last sent {time}', 'facts.accuracy': 'accurate to {metres}', 'facts.waiting': '{n} not sent yet', 'facts.by': 'by {way}',
  'facts.ahead': 'this phone’s clock is {span} ahead: set it right', 'facts.behind': 'this phone’s clock is {span} behind: set it right',
  'way.stomp': 'STOMP', 'way.sse': 'event stream', 'way.polling': 'long polling', 'way.post': 'POST',
  'h.loading': 'One moment …', 'd.loading': 'The server is asked about your invite.',
  'h.insecure': 'This address cannot give your position',
  'd.insecure': 'Browsers give it to https pages only. Ask the host for a link that begins with https.',
  'h.no_invite': 'The invite is missing', 'd.no_invite': 'Open the whole link that you were sent, or scan its code again.',
  'h.expired': 'This invite has expired', 'd.expired': 'Sharing has ended{at}. Ask the host for a new one.',
  'h.revoked': 'This invite was ended', 'd.revoked': 'The host has revoked it, or you have left. Ask for a new one.',
  'h.unknown': 'This invite is not known here', 'd.unknown': 'The link may be cut off or of another server. Ask for it again.',
  'h.invites_off': 'This server takes no invites', 'd.invites_off': 'Its administrator has switched them off.',
  'h.used_up': 'This invite has been used up', 'd.used_up': 'As many have joined by it as may. Ask the host for one of your own.',
  'h.too_many': 'Too many tries', 'd.too_many': 'Wait a minute, then open the link again.',
  'h.deleted': 'Your data is deleted', 'd.deleted': 'Sharing has ended, and nothing waits on this phone. You can close the page.',
  'h.first_offline': 'No network', 'd.first_offline': 'The page has never spoken with the server; it goes on by itself once it can.',
  'h.first_gone': 'The server does not answer', 'd.first_gone': 'It goes on by itself once the server is back. If it takes long, tell the host.',
  'h.naming': 'Join the group', 'd.naming': 'Choose the name that others see.',
  'h.consent': 'Nothing is shared yet', 'd.consent': 'Read who sees what until when.',
  'h.full': 'This group is full', 'd.full': 'The server takes no more members. Tell the host; what was measured waits on this phone.',
  'h.denied': 'No permission for your location', 'd.denied': 'Allow it for this site in the settings of the browser and of the phone; sharing then goes on.',
  'h.no_geolocation': 'This browser has no location', 'd.no_geolocation': 'Open the link in another browser.',
  'h.no_position': 'The phone finds no position', 'd.no_position': 'Switch location on, or go where the sky is open. It is tried again all the time.',
  'h.off': 'You are not sharing', 'd.off': 'Nobody sees where you are.',
  'h.watching': 'You are watching', 'd.watching': 'This invite is for watching only: nothing of you is shared.',
  'h.paused': 'Paused until {time}', 'd.paused': 'It goes on by itself, if this page is open then.',
  'h.finding': 'Looking for your position …', 'd.finding': 'This may take half a minute.',
  'h.offline': 'No network', 'd.offline': 'Your positions wait on this phone and are sent later, even if the page is closed meanwhile.',
  'd.volatile': 'Your positions wait in this page and are sent later. This browser keeps nothing: do not close it.',
  'h.gone': 'The server does not answer', 'd.gone': 'Your positions wait on this phone and are sent once the server is back.',
  'h.store_failed': 'The server cannot record now', 'd.store_failed': 'All of it waits on this phone and is sent again.',
  'h.sharing': 'You are sharing', 'd.sharing': 'Keep this page open and the screen on.',
};

const KO = {
  language: 'English',
  as: '{member}(으)로 참여', until: '{time}까지',
  messages: '진행자의 전달 사항', name: '이 그룹에서 쓸 이름', join: '참여하기',
  'name.unreachable': '서버가 응답하지 않습니다. 연결되면 다시 시도하세요.',
  'name.taken': '이미 쓰는 이름입니다. 다른 이름을 고르세요.',
  'name.bad': '쓸 수 없는 이름입니다: {why}',
  'consent.title': '공유하기 전에', 'consent.agree': '동의합니다', 'consent.version': '안내문 버전 {version}. 동의와 함께 보관됩니다.',
  'fact.what': '공유가 켜져 있고 이 페이지가 열려 화면에 보일 때만 위치를 보냅니다.',
  'fact.watch': '볼 수 있는 사람: 진행자{names}.', 'fact.watch.open': '공개 초대로 다른 사람이 참여해 볼 수 있습니다.',
  'fact.until': '{time}까지입니다. 언제든 멈출 수 있습니다.',
  'fact.kept': '위치는 {span} 동안 보관됩니다.', 'fact.kept.ever': '위치는 삭제할 때까지 보관됩니다.',
  'fact.ephemeral': '위치는 디스크에 저장되지 않습니다.',
  'fact.recording': '기록 중입니다({names}). 기록된 위치는 기록을 삭제할 때까지 보관됩니다.',
  'fact.delete': '보낸 것을 모두 삭제할 수 있습니다.', 'fact.consented': '안내문 버전 {version}에 동의했습니다.',
  group: '그룹', fit: '모두 보기', 'map.label': '그룹 지도', me: '나', unseen: '보이는 사람이 없습니다',
  precision: '정확도', 'precision.exact': '정확히',
  'precision.group': '이 그룹은 위치를 {metres} 단위까지만 보관합니다.', 'precision.on': '다른 사람에게는 {metres} 격자의 점으로 보입니다.',
  awake: '화면 켜 두기', 'awake.no': '이 브라우저는 화면을 켜 둘 수 없습니다. 휴대전화 설정에서 켜 두세요.',
  'awake.on': '페이지가 가려지거나 휴대전화가 잠기면 위치를 측정하지 못합니다.',
  note: '그룹에 남길 메모', 'note.send': '보내기', 'note.waits': '네트워크를 기다립니다.', 'note.sent': '보냈습니다.',
  apps: '하루 종일이면 앱을 쓰세요',
  'apps.why': '브라우저 페이지는 열려서 화면에 보일 때만 공유합니다. 앱은 휴대전화를 주머니에 넣어도 계속합니다.',
  'apps.how': '하나를 설치하고 ‘설정하기’를 누르면 초대가 채워집니다. 앱은 따로 공유하므로 멈추거나 끄는 것도 앱에서 하세요. 그다음 여기의 공유는 끄세요.',
  'apps.open': '설정하기', 'apps.copy': '주소 복사', 'apps.address': '앱에 넣을 주소', 'on.ios': '아이폰', 'on.android': '안드로이드',
  'apps.copied': '복사했습니다. 남에게 알리지 마세요. 넣을 곳: {where}.', 'apps.by_hand': '직접 복사하세요. 남에게 알리지 마세요. 넣을 곳: {where}.',
  'apps.owntracks': 'Preferences › Connection › URL (모드 HTTP)', 'apps.traccar': '설정 › 서버 URL', 'apps.overland': 'Settings › Receiver Endpoint',
  'apps.gpslogger': 'Profile › From URL', 'apps.osmand': '플러그인 › 여정 기록 › 온라인 추적 › 웹 주소',
  gaps: '빈 구간', 'gap.hidden': '{from} – {until}: 페이지가 가려져 위치를 측정하지 못했습니다.',
  'gap.closed': '{from} – {until}: 페이지가 닫혀 있었습니다.', 'gap.no_position': '{from} – {until}: 휴대전화가 위치를 찾지 못했습니다.',
  about: '누가 언제까지 보나요', delete: '중단하고 내 데이터 삭제',
  'delete.title': '보낸 것을 모두 삭제할까요?', 'delete.text': '공유를 멈춥니다. 내 위치와 메모가 기록에서도 영구히 삭제되고 초대가 끝납니다.',
  'delete.yes': '삭제', 'delete.refused': '삭제하지 못했습니다: {why}',
  'delete.unreachable': '서버에 연결되지 않아 서버에 있는 것은 아직 삭제되지 않았습니다. 공유는 꺼졌습니다. 연결되면 다시 시도하세요.', no: '취소',
  pause: '15분 멈춤', resume: '다시 시작', start: '공유 시작', stop: '공유 끄기', bar: '공유', sos: 'SOS',
  'sos.title': '도움을 요청할까요?', 'sos.text': '보고 있는 모두에게 정확한 위치와 함께 알립니다. 119나 112에 신고되지는 않습니다.',
  'sos.yes': 'SOS 보내기', 'sos.word': '도움이 필요합니다', 'sos.waits': 'SOS가 네트워크를 기다립니다.', 'sos.sent': '{time}에 SOS를 보냈습니다.',
  ago: '{span} 전', now: '지금', 's': '{n}초', 'min': '{n}분', 'h': '{n}시간', 'd': '{n}일',
  'facts.sent': '마지막 전송 {time}', 'facts.accuracy': '오차 {metres}', 'facts.waiting': '{n}개 미전송', 'facts.by': '{way}',
  'facts.ahead': '휴대전화 시계가 {span} 빠릅니다. 맞추세요', 'facts.behind': '휴대전화 시계가 {span} 느립니다. 맞추세요',
  'way.stomp': 'STOMP', 'way.sse': '이벤트 스트림', 'way.polling': '롱 폴링', 'way.post': 'POST',
  'h.loading': '잠시만요 …', 'd.loading': '서버에 초대를 확인하고 있습니다.',
  'h.insecure': '이 주소에서는 위치를 쓸 수 없습니다',
  'd.insecure': '브라우저는 https 페이지에서만 위치를 알려 줍니다. https로 시작하는 링크를 요청하세요.',
  'h.no_invite': '초대가 없습니다', 'd.no_invite': '받은 링크 전체를 열거나 코드를 다시 스캔하세요.',
  'h.expired': '초대 기간이 끝났습니다', 'd.expired': '공유가 끝났습니다{at}. 새 초대를 요청하세요.',
  'h.revoked': '초대가 종료되었습니다', 'd.revoked': '진행자가 취소했거나 그룹을 떠났습니다. 새 초대를 요청하세요.',
  'h.unknown': '알 수 없는 초대입니다', 'd.unknown': '링크가 잘렸거나 다른 서버의 것일 수 있습니다. 다시 요청하세요.',
  'h.invites_off': '이 서버는 초대를 받지 않습니다', 'd.invites_off': '관리자가 초대를 꺼 두었습니다.',
  'h.used_up': '초대를 모두 사용했습니다', 'd.used_up': '이 초대로 참여할 수 있는 인원이 찼습니다. 진행자에게 새 초대를 요청하세요.',
  'h.too_many': '시도가 너무 많습니다', 'd.too_many': '1분 뒤에 링크를 다시 여세요.',
  'h.deleted': '데이터가 삭제되었습니다', 'd.deleted': '공유가 끝났고 이 휴대전화에 남은 것도 없습니다. 페이지를 닫아도 됩니다.',
  'h.first_offline': '네트워크가 없습니다', 'd.first_offline': '아직 서버와 통신한 적이 없습니다. 연결되면 자동으로 계속합니다.',
  'h.first_gone': '서버가 응답하지 않습니다', 'd.first_gone': '서버가 돌아오면 자동으로 계속합니다. 오래 걸리면 진행자에게 알리세요.',
  'h.naming': '그룹에 참여하세요', 'd.naming': '다른 사람에게 보일 이름을 고르세요.',
  'h.consent': '아직 아무것도 공유하지 않습니다', 'd.consent': '누가 무엇을 언제까지 보는지 읽어 보세요.',
  'h.full': '그룹이 가득 찼습니다', 'd.full': '서버가 더는 참여자를 받지 않습니다. 진행자에게 알리세요. 측정한 위치는 휴대전화에 남아 있습니다.',
  'h.denied': '위치 권한이 없습니다', 'd.denied': '브라우저와 휴대전화 설정에서 이 사이트의 위치를 허용하면 공유가 계속됩니다.',
  'h.no_geolocation': '이 브라우저에는 위치 기능이 없습니다', 'd.no_geolocation': '다른 브라우저에서 링크를 여세요.',
  'h.no_position': '휴대전화가 위치를 찾지 못합니다', 'd.no_position': '위치를 켜거나 하늘이 트인 곳으로 가세요. 계속 다시 시도합니다.',
  'h.off': '공유하고 있지 않습니다', 'd.off': '아무도 내 위치를 볼 수 없습니다.',
  'h.watching': '보는 중입니다', 'd.watching': '보기 전용 초대입니다. 내 위치는 공유되지 않습니다.',
  'h.paused': '{time}까지 멈춤', 'd.paused': '그때 이 페이지가 열려 있으면 자동으로 계속합니다.',
  'h.finding': '위치를 찾는 중 …', 'd.finding': '30초쯤 걸릴 수 있습니다.',
  'h.offline': '네트워크가 없습니다', 'd.offline': '위치를 계속 측정합니다. 휴대전화에 모아 두었다가, 페이지를 닫았다 열어도 나중에 보냅니다.',
  'd.volatile': '위치를 이 페이지에 모아 두었다가 나중에 보냅니다. 이 브라우저는 저장하지 못하니 페이지를 닫지 마세요.',
  'h.gone': '서버가 응답하지 않습니다', 'd.gone': '위치를 계속 측정합니다. 서버가 돌아오면 모아 둔 것을 보냅니다.',
  'h.store_failed': '서버가 지금 기록하지 못합니다', 'd.store_failed': '모두 휴대전화에 남아 있으며 다시 보냅니다.',
  'h.sharing': '공유 중입니다', 'd.sharing': '이 페이지를 열어 두고 화면을 켜 두세요.',
};

export const WORDS = { en: EN, ko: KO };
let language = 'en';

/** Choose the language: `ko` for Korean, English for any other. */
export function speak(tag) {
  language = String(tag ?? '').toLowerCase().startsWith('ko') ? 'ko' : 'en';
  return language;
}

/** Return the language in use. */
export const spoken = () => language;

/** Return the words of a key with its values filled in. */
export function t(key, values = {}) {
  return WORDS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
}

/** Return a time of day in ms as people read it, with the date where it is not today's. */
export function clock(ms, now = Date.now()) {
  const far = new Date(ms).toDateString() !== new Date(now).toDateString();
  const day = far ? { month: 'short', day: 'numeric' } : {};
  return new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, { ...day, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(ms);
}

/** Return a span of ms in its largest unit. */
export function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  for (const [unit, size] of [['d', 86400], ['h', 3600], ['min', 60]]) {
    if (seconds >= (unit === 'd' ? 2 : 1) * size) return t(unit, { n: Math.round(seconds / size) });
  }
  return t('s', { n: seconds });
}

/** Return metres as people read them. */
export const metres = value => (value >= 1000 ? `${Number((value / 1000).toFixed(1))} km` : `${Math.round(value)} m`);
