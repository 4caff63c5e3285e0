// What the page says, in English and Korean.

const EN = {
  language: '한국어', host: 'host', leave: 'Log out', no: 'Cancel', close: 'Close',
  signin: 'This page is for the host', 'signin.login': 'Log in', 'signin.token': "The host's token, or a link", 'signin.enter': 'Enter',
  'signin.where': '“jupyter locshare serve” prints the link when it starts, or says which file has the token. It is kept for this tab alone.',
  'signin.guest': 'Were you invited? Open the whole link that you were sent, or scan its code again.',
  'signin.bad': 'That is not known here: {why}',
  offline: 'The server does not answer. What you see is from {time}; it is tried again.', failed: 'That did not work: {why}',
  health: 'Server', 'health.again': 'Try it again', 'health.trying': 'Trying the address by which phones come …',
  'health.phones': 'Phones use {url}', 'health.apps': 'Apps on phones can use {url}; browsers cannot.', 'health.none': 'Phones cannot reach this server yet.',
  'health.store': 'Positions are being stored.', 'health.memory': 'Positions are in memory only: they are gone when the server stops.', 'health.broken': 'Positions cannot be stored now: {why}',
  'health.facts': 'version {version} · {connections} connections · kept for {span}', 'health.facts.ever': 'version {version} · {connections} connections · kept until deleted',
  groups: 'Groups', 'groups.none': 'There is no group yet. Make one, then invite people.', 'groups.new': 'New group', 'groups.make': 'Make', 'groups.members': '{n} members', 'groups.one': '1 member',
  'roster.none': 'Nobody is here yet. Invite somebody below.',
  'state.here': 'here', 'state.silent': 'silent', 'state.lost': 'lost', 'state.no position': 'no GPS', 'state.not joined': 'not joined', 'state.expired': 'invite expired', 'state.revoked': 'invite revoked',
  'why.here': 'Position {age} ago', 'why.silent': 'Nothing heard for {heard}: no network, or the phone sleeps', 'why.lost': 'Nothing heard for {heard}: no network, or off',
  'why.no position': 'Heard {heard} ago, but no new position{age}', 'why.no position.age': ' for {age}', 'why.not joined': 'Invited, never heard of', 'why.expired': 'The invite ended before they came', 'why.revoked': 'The invite was revoked before they came',
  accurate: 'accurate to {metres}', battery: 'battery {n}%', 'battery.low': 'low battery {n}%', low: '{n} with a low battery', card: 'Card', 'card.of': 'Card of {name}', anyone: 'Whoever has it',
  invites: 'Invites', 'invites.names': 'Names, one to a line; none: one invite for whoever has it', 'invites.roles': 'May', 'invites.for': 'For', 'invites.make': 'Invite', 'invites.print': 'Print the cards', 'invites.ended': 'Ended invites',
  'roles.both': 'share and watch', 'roles.publish': 'share only', 'roles.watch': 'watch only', 'roles.manage': 'all, as a host', 'lasting.3h': '3 hours', 'lasting.1d': '1 day', 'lasting.7d': '7 days', 'lasting.30d': '30 days',
  'invite.until': '{roles}, until {time}', 'invite.joined': 'joined', 'invite.waiting': 'not joined yet', 'invite.open': '{n} joined', revoke: 'Revoke', 'revoke.of': 'Revoke {name}',
  'revoke.title': 'Revoke the invite of {name}?', 'revoke.text': 'Who came by it is out within two seconds. What was shared stays.', 'revoke.refused': 'It was not revoked: {why}',
  'card.title': 'Invite for {name}', 'card.scan': "Scan with the phone's camera", 'card.link': 'Link', 'card.copy': 'Copy', 'card.copied': 'Copied.', 'card.select': 'Copy what is selected.', 'card.apps': 'With an app',
  'card.secret': 'Whoever has this code or link is let in. Send it to one person; do not post it.', 'card.joined': '✓ {name} has joined', 'card.until': '{group}, until {time}', 'card.trying': 'One moment …',
  'app.owntracks': 'OwnTracks: open on the phone', 'app.traccar': 'Traccar Client: scan in the app', 'app.overland': 'Overland: open on the phone', 'app.gpslogger': 'GPSLogger: open on the phone', 'app.osmand': 'OsmAnd: paste as web address',
  recordings: 'Recordings', 'recordings.name': 'Record under the name', 'recordings.start': 'Start', 'recordings.stop': 'Stop', 'recordings.file': 'GeoPackage', 'file.of': 'Download {name} as GeoPackage', 'stop.of': 'Stop {name}',
  'recording.running': 'runs since {time}', 'recording.open': '{time} – {until}; late positions still join it', 'recording.stopped': '{time} – {until}; late positions still join it', 'recording.closed': '{time} – {until}', 'recording.away': 'interrupted {n} times',
  settings: 'Settings', 'settings.title': 'Title', 'settings.stale': 'Silent after (s)', 'settings.lost': 'Lost after (s)', 'settings.retention': 'Keep positions for (hours)', 'settings.consent': 'What members are told before they share', 'settings.save': 'Save', 'settings.saved': 'Saved.',
  'settings.note': "Empty: the server's own, {span}.", 'settings.ever': "Empty: the server's own, until they are deleted.",
  's': '{n} s', 'min': '{n} min', 'h': '{n} h', 'd': '{n} days',
};

const KO = {
  language: 'English', host: '진행자', leave: '로그아웃', no: '취소', close: '닫기',
  signin: '진행자를 위한 페이지입니다', 'signin.login': '로그인', 'signin.token': '진행자 토큰 또는 링크', 'signin.enter': '들어가기',
  'signin.where': '“jupyter locshare serve”를 시작하면 링크나 토큰이 든 파일을 알려 줍니다. 토큰은 이 탭에만 보관됩니다.',
  'signin.guest': '초대를 받으셨나요? 받은 링크 전체를 열거나 코드를 다시 찍으세요.',
  'signin.bad': '여기서 쓸 수 없습니다: {why}',
  offline: '서버가 응답하지 않습니다. 지금 보이는 것은 {time} 기준이며 다시 시도합니다.', failed: '되지 않았습니다: {why}',
  health: '서버', 'health.again': '다시 확인', 'health.trying': '휴대폰이 접속할 주소를 확인하고 있습니다 …',
  'health.phones': '휴대폰 접속 주소: {url}', 'health.apps': '휴대폰 앱은 {url} 주소를 쓸 수 있지만 브라우저는 쓸 수 없습니다.', 'health.none': '아직 휴대폰이 이 서버에 접속할 수 없습니다.',
  'health.store': '위치가 저장되고 있습니다.', 'health.memory': '위치가 메모리에만 있어 서버를 멈추면 사라집니다.', 'health.broken': '지금 위치를 저장할 수 없습니다: {why}',
  'health.facts': '버전 {version} · 연결 {connections}개 · {span} 동안 보관', 'health.facts.ever': '버전 {version} · 연결 {connections}개 · 지울 때까지 보관',
  groups: '그룹', 'groups.none': '아직 그룹이 없습니다. 그룹을 만들고 사람들을 초대하세요.', 'groups.new': '새 그룹', 'groups.make': '만들기', 'groups.members': '{n}명', 'groups.one': '1명',
  'roster.none': '아직 아무도 없습니다. 아래에서 초대하세요.',
  'state.here': '있음', 'state.silent': '조용함', 'state.lost': '끊김', 'state.no position': 'GPS 없음', 'state.not joined': '참여 전', 'state.expired': '초대 만료', 'state.revoked': '초대 취소됨',
  'why.here': '{age} 전 위치', 'why.silent': '{heard} 동안 소식 없음: 네트워크가 없거나 휴대폰이 잠듦', 'why.lost': '{heard} 동안 소식 없음: 네트워크가 없거나 꺼짐',
  'why.no position': '{heard} 전에 연결됐지만 새 위치가 없음{age}', 'why.no position.age': ' ({age} 동안)', 'why.not joined': '초대했지만 아직 소식 없음', 'why.expired': '오기 전에 초대가 끝났음', 'why.revoked': '오기 전에 초대를 취소했음',
  accurate: '오차 {metres}', battery: '배터리 {n}%', 'battery.low': '배터리 부족 {n}%', low: '배터리 부족 {n}명', card: '카드', 'card.of': '{name}의 카드', anyone: '가진 사람 누구나',
  invites: '초대', 'invites.names': '이름을 한 줄에 하나씩. 비우면 가진 사람 누구나 쓰는 초대 하나', 'invites.roles': '권한', 'invites.for': '기간', 'invites.make': '초대하기', 'invites.print': '카드 인쇄', 'invites.ended': '끝난 초대',
  'roles.both': '공유와 보기', 'roles.publish': '공유만', 'roles.watch': '보기만', 'roles.manage': '진행자처럼 모두', 'lasting.3h': '3시간', 'lasting.1d': '1일', 'lasting.7d': '7일', 'lasting.30d': '30일',
  'invite.until': '{roles}, {time}까지', 'invite.joined': '참여함', 'invite.waiting': '아직 참여 전', 'invite.open': '{n}명 참여', revoke: '취소', 'revoke.of': '{name} 초대 취소',
  'revoke.title': '{name} 초대를 취소할까요?', 'revoke.text': '이 초대로 들어온 사람은 2초 안에 나가게 됩니다. 이미 공유한 것은 남습니다.', 'revoke.refused': '취소되지 않았습니다: {why}',
  'card.title': '{name} 초대', 'card.scan': '휴대폰 카메라로 찍으세요', 'card.link': '링크', 'card.copy': '복사', 'card.copied': '복사했습니다.', 'card.select': '선택된 것을 복사하세요.', 'card.apps': '앱으로 참여',
  'card.secret': '이 코드나 링크를 가진 사람은 누구나 들어올 수 있습니다. 한 사람에게만 보내고 공개하지 마세요.', 'card.joined': '✓ {name} 참여함', 'card.until': '{group}, {time}까지', 'card.trying': '잠시만요 …',
  'app.owntracks': 'OwnTracks: 휴대폰에서 열기', 'app.traccar': 'Traccar Client: 앱에서 찍기', 'app.overland': 'Overland: 휴대폰에서 열기', 'app.gpslogger': 'GPSLogger: 휴대폰에서 열기', 'app.osmand': 'OsmAnd: 웹 주소로 붙여 넣기',
  recordings: '기록', 'recordings.name': '기록 이름', 'recordings.start': '시작', 'recordings.stop': '정지', 'recordings.file': 'GeoPackage', 'file.of': '{name} 기록을 GeoPackage 파일로 받기', 'stop.of': '{name} 정지',
  'recording.running': '{time}부터 기록 중', 'recording.open': '{time} – {until}, 늦게 오는 위치도 더해짐', 'recording.stopped': '{time} – {until}, 늦게 오는 위치도 더해짐', 'recording.closed': '{time} – {until}', 'recording.away': '{n}번 끊김',
  settings: '설정', 'settings.title': '제목', 'settings.stale': '조용함 기준 (초)', 'settings.lost': '끊김 기준 (초)', 'settings.retention': '위치 보관 기간 (시간)', 'settings.consent': '공유 전에 참여자에게 알릴 내용', 'settings.save': '저장', 'settings.saved': '저장했습니다.',
  'settings.note': '비우면 서버 기본값({span}).', 'settings.ever': '비우면 서버 기본값(지울 때까지).',
  's': '{n}초', 'min': '{n}분', 'h': '{n}시간', 'd': '{n}일',
};

export const WORDS = { en: EN, ko: KO };
let words = EN;
let language = 'en';

/** Speak the language of a tag such as ko-KR, English where there are no words; returns its code. */
export function speak(tag) {
  language = String(tag).toLowerCase().startsWith('ko') ? 'ko' : 'en';
  words = WORDS[language];
  return language;
}

export const spoken = () => language;

/** Return a text with its values, which are shown as they are. */
export function t(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** Return a length of time in its largest unit; ms. */
export function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 90) return t('s', { n: seconds });
  if (seconds < 5400) return t('min', { n: Math.round(seconds / 60) });
  return seconds < 172800 ? t('h', { n: Math.round(seconds / 3600) }) : t('d', { n: Math.round(seconds / 86400) });
}

/** Return a moment, ms since 1970, in the browser's own zone: the time of today, else the date too. */
export function clock(ms, now = Date.now()) {
  const isToday = new Date(ms).toDateString() === new Date(now).toDateString();
  return new Date(ms).toLocaleString(language, isToday ? { hour: '2-digit', minute: '2-digit' } : { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
}

export const metres = value => (value < 1000 ? `${Math.round(value)} m` : `${Math.round(value / 100) / 10} km`);
