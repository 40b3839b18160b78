package io.sluice.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class WeakMapTest {
    private final List<String> collected = Collections.synchronizedList(new ArrayList<>());
    private final WeakMap<Object, String> map = new WeakMap<Object, String>() {
        @Override
        protected void collected(String value) {
            collected.add(value);
        }
    };

    /** Equal to every other one. */
    private static final class Equal {
        @Override
        public boolean equals(Object other) {
            return other instanceof Equal;
        }

        @Override
        public int hashCode() {
            return 1;
        }
    }

    @Test
    void keysAreToldApartByIdentity() {
        Equal one = new Equal();
        Equal other = new Equal();
        assertThat(map.put(one, "one")).isNull();
        assertThat(map.get(other)).isNull();
        assertThat(map.put(other, "other")).isNull();
        assertThat(map.get(one)).isEqualTo("one");
        assertThat(map.put(one, "newer")).isEqualTo("one");
        assertThat(map.size()).isEqualTo(2);
        assertThat(map.remove(one)).isEqualTo("newer");
        assertThat(map.get(one)).isNull();
        assertThat(map.get(other)).isEqualTo("other");
        assertThat(map.remove(one)).isNull();
        assertThat(map.get(null)).isNull();
        assertThat(map.remove(null)).isNull();
    }

    @Test
    void ofSeveralAtOnceOneValueStays() throws Exception {
        for (int round = 0; round < 200; round++) {
            Object key = new Object();
            Set<String> seen = ConcurrentHashMap.newKeySet();
            CyclicBarrier together = new CyclicBarrier(3);
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                String mine = "value " + i;
                threads.add(Until.started(() -> {
                    try {
                        together.await();
                    } catch (Exception e) {
                        throw new AssertionError(e);
                    }
                    seen.add(map.putIfAbsent(key, mine));
                }));
            }
            threads.forEach(Until::ended);
            assertThat(seen).hasSize(1).contains(map.get(key));
        }
    }

    @Test
    void keysAreNotKeptAliveAndTheirValuesAreTold() {
        Object key = new Object();
        WeakReference<Object> weak = new WeakReference<>(key);
        Object living = new Object();
        map.put(living, "living");
        map.put(key, "lost");
        key = null;
        List<String> dropped = new ArrayList<>();
        Until.collected(() -> {
            dropped.addAll(map.drop());
            return weak.get() == null && map.size() == 1;
        });
        assertThat(dropped).containsExactly("lost");
        assertThat(collected).containsExactly("lost");
        assertThat(map.get(living)).isEqualTo("living");
    }

    @Test
    void valueOfALostKeyIsToldAlsoWhereAPutNoticesIt() {
        map.put(new Object(), "lost");
        Object living = new Object();
        Until.collected(() -> {
            map.put(living, "living");
            return !collected.isEmpty();
        });
        assertThat(collected).containsExactly("lost");
        assertThat(map.size()).isEqualTo(1);
    }

    @Test
    void aReplacedValueOfALostKeyIsToldOnce() {
        Object key = new Object();
        map.put(key, "first");
        map.put(key, "second");
        key = null;
        Until.collected(() -> {
            map.drop();
            return map.size() == 0;
        });
        assertThat(collected).containsExactly("second");
    }

    /** Once in some ten million times, the count of the JDK's map says zero here. */
    @Test
    void manyThreadsPutAndRemoveTheirOwn() {
        List<Thread> threads = new ArrayList<>();
        List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < 8; i++) {
            String mine = "value " + i;
            threads.add(Until.started(() -> {
                try {
                    for (int round = 0; round < 50_000; round++) {
                        Object key = new Object();
                        map.put(key, mine);
                        if (map.get(key) != mine || round % 20 != 0 && map.remove(key) != mine) {
                            throw new AssertionError("it was not found");
                        }
                    }
                } catch (Throwable failure) {
                    failures.add(failure);
                }
            }));
        }
        threads.forEach(Until::ended);
        assertThat(failures).isEmpty();
        Until.collected(() -> {
            map.drop();
            return map.size() == 0;
        });
        assertThat(collected).hasSize(8 * 2_500);
    }
}
