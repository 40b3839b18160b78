package io.sluice.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.ref.WeakReference;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class WatchedMapTest {
    private final List<String> told = new CopyOnWriteArrayList<>();

    private final class Watched extends WatchedMap<Object, String> {
        @Override
        protected void collected(String value) {
            told.add(value);
            throw new IllegalStateException("a fault of this map");
        }
    }

    @Test
    void everyMapIsToldOfItsLossesThoughOthersFail() {
        Watched one = new Watched();
        Watched other = new Watched();
        one.put(new Object(), "one");
        other.put(new Object(), "other");
        Until.collected(() -> {
            WatchedMap.dropAll();
            return told.size() == 2;
        });
        assertThat(told).containsExactlyInAnyOrder("one", "other");
        assertThat(one.size() + other.size()).isZero();
    }

    @Test
    void aLostMapIsNotKept() {
        WeakReference<Watched> lost = new WeakReference<>(new Watched());
        Until.collected(() -> lost.get() == null);
        WatchedMap.dropAll();
        assertThat(told).isEmpty();
    }
}
