import { describe, expect, test } from 'vitest';
import { newsText, parseNews } from '#libs/pipeline/notify-bus.ts';
import { type News, Work } from '#libs/pipeline/work.ts';

const key = (studentId: number) => ({ courseId: 7, studentId });

describe('news on their way to other processes', () => {
  test('arrive as they were told, but for those who told them', () => {
    const news: News = { courses: true, unnamed: ['performance'], keys: new Map([['anomaly', [key(1), key(2)]]]) };
    const text = newsText('one', news);
    expect(parseNews(text, 'other')).toEqual(news);
    expect(parseNews(text, 'one')).toBeNull();
  });

  test('that name more keys than Postgres passes on say that there are some', () => {
    const keys = new Map([['anomaly', Array.from({ length: 3_000 }, (_, n) => key(n))]] as const);
    const text = newsText('one', { keys });
    expect(Buffer.byteLength(text)).toBeLessThan(8_000);
    expect(parseNews(text, 'other')).toEqual({ courses: false, unnamed: ['anomaly'], keys: new Map() });
  });

  test.each(['', 'the nightly reconcile', '{"from":1}', '{"from":"x","courses":true,"unnamed":["?"],"keys":{}}'])(
    'in other words (%j) mean that there may be work for everybody',
    (text) => {
      const everything = { courses: true, unnamed: ['engagement', 'performance', 'anomaly'] };
      expect(parseNews(text, 'one')).toEqual(everything);
    },
  );
});

describe('work', () => {
  test('goes to who derives it here, and to other processes otherwise', () => {
    const work = new Work();
    const heard: News[] = [];
    work.elsewhere.subscribe((news) => heard.push(news));
    const queue = work.queueOf('engagement');
    work.tell({ keys: new Map([['engagement', [key(1)]]]) });
    expect(heard).toEqual([]);
    work.tell({ keys: new Map([['anomaly', [key(1)]]]), courses: true, unnamed: ['performance', 'engagement'] });
    expect(heard).toEqual([{ keys: new Map([['anomaly', [key(1)]]]), courses: true, unnamed: ['performance'] }]);
    expect(queue.take(9).keys).toEqual([key(1)]);
  });

  test('that other processes tell of is not passed on again', () => {
    const work = new Work();
    const heard: News[] = [];
    work.elsewhere.subscribe((news) => heard.push(news));
    const { count } = work.courses;
    work.receive({ courses: true, unnamed: ['anomaly'] });
    expect(work.courses.count).toBe(count + 1);
    expect(heard).toEqual([]);
  });

  test('of a backlog names no keys: they are derived once, when it is over', () => {
    const work = new Work();
    const queue = work.queueOf('engagement');
    queue.takeLook(0);
    work.fallBehind(true);
    work.tell({ keys: new Map([['engagement', [key(1)]]]) });
    expect(queue.size).toBe(0);
    expect(queue.takeLook(1)).toBe(true);
  });
});
