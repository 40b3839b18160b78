package io.sluice.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class ExemptTest {
    @Test
    void holdsForTheTasksThreadWhileItRuns() {
        assertThat(Exempt.isCurrent()).isFalse();
        Exempt.run(() -> {
            Exempt.run(() -> assertThat(Exempt.isCurrent()).isTrue());
            assertThat(Exempt.isCurrent()).as("after a nested one").isTrue();
            boolean[] elsewhere = {true};
            Until.ended(Until.started(() -> elsewhere[0] = Exempt.isCurrent()));
            assertThat(elsewhere[0]).isFalse();
        });
        assertThat(Exempt.isCurrent()).isFalse();
    }

    @Test
    void endsWithATaskThatThrows() {
        assertThatThrownBy(() -> Exempt.run(() -> {
                    throw new IllegalStateException();
                }))
                .isInstanceOf(IllegalStateException.class);
        assertThat(Exempt.isCurrent()).isFalse();
    }
}
