package io.sluice.instrumentation.apachehttpclient5;

class LaxPoolContractTest extends PoolingContract {
    LaxPoolContractTest() {
        super("LAX");
    }
}
