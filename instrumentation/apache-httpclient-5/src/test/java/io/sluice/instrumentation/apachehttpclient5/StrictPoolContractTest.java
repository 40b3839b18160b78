package io.sluice.instrumentation.apachehttpclient5;

class StrictPoolContractTest extends PoolingContract {
    StrictPoolContractTest() {
        super("STRICT");
    }
}
